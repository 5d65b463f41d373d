"""Whole numbers (ages, counts, quantities), which the buckets themselves tell.

Where buckets are narrow, whole numbers leave those between them empty. In wide buckets, too, they
are then where they must be, not on a straight line through the bucket.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints
from otelml.sketch.flat import Flat

_BITS: Final = 8
"""Evidence: some real numbers would fall into such buckets alone once in 2 to this power."""

_ODD: Final = 0.002
"""Share of the values that may be others."""

_ODD_NARROW: Final = 0.01
"""The same of those in narrow buckets, which are the evidence."""

_FEW: Final = 16
"""Whole numbers up to which a bucket is cut into them; a line through more is as good."""


def possible(flat: Flat, origins: Floats) -> npt.NDArray[np.bool_]:
    """Whether buckets may be of whole numbers, odd values apart: an answer a histogram.

    >>> bounds = 2 ** (np.arange(65.0) / 16)
    >>> lower, upper, counts = bounds[:-1], bounds[1:], np.full(64, 9)
    >>> filled = np.floor(upper) > np.floor(lower)
    >>> possible(Flat.one(lower[filled], upper[filled], counts[filled]), np.zeros(1))
    array([ True])
    >>> possible(Flat.one(lower, upper, counts), np.zeros(1))
    array([False])
    """
    have = _have(flat.lower, flat.upper, origins.repeat(flat.sizes))
    without = np.add.reduceat(np.where(have, 0, flat.counts), flat.starts)
    could: npt.NDArray[np.bool_] = (without <= _ODD * flat.totals) & (np.floor(origins) == origins)
    return could


def evident(lower: Floats, upper: Floats, counts: Ints, origin: float) -> bool:
    """Whether so many of them are so narrow that this can be no chance."""
    widths = upper - lower
    narrow = (widths > 0) & (widths < 1)
    have = narrow & _have(lower, upper, origin)
    bits = -np.log2(widths[have]).sum()
    odd = counts[narrow & ~have].sum()
    return bool(bits >= _BITS and odd <= _ODD_NARROW * counts[narrow].sum())


def _have(lower: Floats, upper: Floats, origin: float | Floats) -> npt.NDArray[np.bool_]:
    """Which buckets have a whole number: of their bounds the farther from the origin is inside."""
    near, far = (np.floor(np.abs(bounds - origin)) for bounds in (lower, upper))
    have: npt.NDArray[np.bool_] = (near != far) | ((lower == upper) & (lower == np.floor(lower)))
    return have


def apart(
    lower: Floats, upper: Floats, counts: Ints, origin: float, extremes: tuple[float, float]
) -> tuple[Floats, Floats, Ints]:
    """The same buckets inside the extremes, those of few whole numbers as one for each of these.

    They hold as many, up to rounding; that of a number n starts at the greatest number below n.
    """
    first, last = _inside(lower, upper, origin)
    lower, first = np.fmax(lower, extremes[0]), np.fmax(first, np.ceil(extremes[0]))
    upper, last = np.fmin(upper, extremes[1]), np.fmin(last, np.floor(extremes[1]))
    many = last - first + 1
    few = (many >= 1) & (many <= _FEW)
    times = np.where(few, many, 1).astype(np.int64)
    cut = few.repeat(times)
    rank = np.arange(cut.size) - (times.cumsum() - times).repeat(times)
    numbers = first.repeat(times) + rank
    below = np.where(numbers == 0, 0.0, np.nextafter(numbers, -np.inf))
    lower = np.where(cut, below, lower.repeat(times))
    upper = np.where(cut, numbers, upper.repeat(times))
    counts, times = counts.repeat(times), times.repeat(times)
    before, after = ((k * counts + times // 2) // times for k in (rank, rank + 1))
    filled = after > before
    return lower[filled], upper[filled], (after - before)[filled]


def _inside(lower: Floats, upper: Floats, origin: float) -> tuple[Floats, Floats]:
    """The first and the last whole number in each bucket; the first is greater if it has none."""
    under, point = lower < origin, lower == upper
    first = np.where(under | point, np.ceil(lower), np.floor(lower) + 1)
    last = np.where(under & ~point, np.ceil(upper) - 1, np.floor(upper))
    return first, last
