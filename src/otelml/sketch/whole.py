"""Whole numbers (ages, counts, quantities), which the buckets themselves tell.

Where buckets are narrow, whole numbers leave those between them empty. In wide buckets, too, they
are then where they must be, not on a straight line through the bucket.
"""

from typing import Final

import numpy as np

from otelml.sketch.array import Floats, Ints

_BITS: Final = 8
"""Evidence: some real numbers would fall into such buckets alone once in 2 to this power."""

_FEW: Final = 16
"""Whole numbers up to which a bucket is cut into them; a line through more is as good."""


def possible(lower: Floats, upper: Floats, origin: float) -> bool:
    """Whether each of these filled buckets has a whole number in it."""
    first, last = _inside(lower, upper, origin)
    return not (first > last).any()


def evident(lower: Floats, upper: Floats) -> bool:
    """Whether so many of them are so narrow that this can be no chance.

    >>> bounds = 2 ** (np.arange(65.0) / 16)
    >>> lower, upper = bounds[:-1], bounds[1:]
    >>> filled = np.floor(upper) > np.floor(lower)
    >>> possible(lower[filled], upper[filled], 0.0), evident(lower[filled], upper[filled])
    (True, True)
    >>> possible(lower, upper, 0.0)
    False
    """
    widths = upper - lower
    narrow = widths[(widths > 0) & (widths < 1)]
    return float(-np.log2(narrow).sum()) >= _BITS


def apart(
    lower: Floats, upper: Floats, counts: Ints, origin: float, extremes: tuple[float, float]
) -> tuple[Floats, Floats, Ints]:
    """The same buckets inside the extremes, those of few whole numbers as one for each of these.

    They hold as many, up to rounding; that of a number n starts at the greatest number below n.
    """
    first, last = _inside(lower, upper, origin)
    lower, first = (np.fmax(bound, extremes[0]) for bound in (lower, first))
    upper, last = (np.fmin(bound, extremes[1]) for bound in (upper, last))
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
    """The first and the last whole number in each bucket.

    Of its bounds the one that is farther from the origin is inside.
    """
    under = lower < origin
    first = np.where(under, np.ceil(lower), np.floor(lower) + (lower < upper))
    last = np.where(under, np.ceil(upper) - 1, np.floor(upper))
    return first, last
