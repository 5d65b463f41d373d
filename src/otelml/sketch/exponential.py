"""Base-2 exponential histogram: the content of one OTLP exponential data point, signs included.

Buckets join exactly as the scale goes down, so merging, rescaling and subtracting lose nothing but
resolution.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints
from otelml.sketch.buckets import (
    FINEST,
    MOST,
    Buckets,
    Cells,
    join,
    signed,
    steps_to_fit,
    tally,
)
from otelml.sketch.flat import Flat

_NOTHING: Final = (np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
"""Buckets of an empty histogram."""


@dataclass(eq=False)
class Exponential:
    """Histogram of (x − origin); `minimum` and `maximum` are of x itself, NaN where unknown."""

    scale: Final[int]
    zeros: Final[int]
    positive: Final[Buckets]
    negative: Final[Buckets]
    minimum: Final[float] = math.nan
    maximum: Final[float] = math.nan
    origin: Final[float] = 0.0

    @classmethod
    def empty(cls, origin: float = 0.0) -> Self:
        """Nothing seen."""
        nothing = Buckets(0, np.zeros(0, np.int64))
        return cls(FINEST, 0, nothing, nothing, origin=origin)

    @classmethod
    def of(cls, values: npt.ArrayLike, most: int = MOST, origin: float = 0.0) -> Self:
        """The histogram of a 1-d array of finite values, at the finest scale that fits.

        >>> Exponential.of([1.0, 2.0, -4.0, 0.0]).count
        4
        """
        raw = np.asarray(values, np.float64)
        if not raw.size:
            return cls.empty(origin)
        zeros, signs = signed(raw - origin)
        extremes = float(raw.min()), float(raw.max())
        return cls.fitted(FINEST, zeros, signs, extremes, origin, most)

    @classmethod
    def fitted(
        cls,
        scale: int,
        zeros: int,
        signs: Sequence[Cells],
        extremes: tuple[float, float] = (math.nan, math.nan),
        origin: float = 0.0,
        most: int = MOST,
    ) -> Self:
        """The histogram of these cells, at the finest scale with at most `most` buckets a sign.

        `signs` are the positive cells and the negative ones, `extremes` the least and the greatest
        value.
        """
        shift = max(
            steps_to_fit(int(index[0]), int(index[-1]), most) if index.size else 0
            for index, _ in signs
        )
        if not any(index.size for index, _ in signs):
            scale = FINEST
        up, down = (Buckets.of(join(cells, shift)) for cells in signs)
        return cls(scale - shift, int(zeros), up, down, *extremes, origin)

    @cached_property
    def count(self) -> int:
        """Values seen."""
        return self.zeros + self.positive.count + self.negative.count

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Exponential)
            and (self.scale, self.zeros, self.origin) == (other.scale, other.zeros, other.origin)
            and (self.positive, self.negative) == (other.positive, other.negative)
            and np.array_equal(
                (self.minimum, self.maximum), (other.minimum, other.maximum), equal_nan=True
            )
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    @property
    def single(self) -> bool:
        """Whether all its values are one and the same, and known."""
        return self.minimum == self.maximum

    def merge(self, other: Self, most: int = MOST) -> Self:
        """The histogram of both, at the finest scale that fits."""
        if other.origin != self.origin:
            other = other.about(self.origin)
        if not other.count or not self.count:
            return self if self.count else other
        scale = min(self.scale, other.scale)
        extremes = (
            float(np.fmin(self.minimum, other.minimum)),
            float(np.fmax(self.maximum, other.maximum)),
        )
        zeros = self.zeros + other.zeros
        a, b = self.rescale(scale), other.rescale(scale)
        up, down = a.positive.plus(b.positive, most), a.negative.plus(b.negative, most)
        if up is not None and down is not None and (up.counts.size or down.counts.size):
            return type(self)(scale, zeros, up, down, *extremes, self.origin)
        return self.fitted(scale, zeros, pool([self, other], scale), extremes, self.origin, most)

    def rescale(self, scale: int) -> Self:
        """The same values at a coarser scale.

        Raises:
            ValueError: `scale` is finer than the histogram's own.

        """
        if scale > self.scale:
            raise ValueError(f"scale {scale} is finer than {self.scale}: a histogram only coarsens")
        if scale == self.scale:
            return self
        up, down = (
            Buckets.of(buckets.cells(self.scale - scale))
            for buckets in (self.positive, self.negative)
        )
        return type(self)(scale, self.zeros, up, down, self.minimum, self.maximum, self.origin)

    def minus(self, earlier: Self) -> Self | None:
        """What came since `earlier`, without extremes; None if a count fell: it was a reset."""
        if not earlier.count:
            return self if earlier.origin == self.origin else None
        if earlier.origin != self.origin or earlier.scale < self.scale:
            return None
        signs: list[Buckets] = []
        for now, before in (
            (self.positive, earlier.positive),
            (self.negative, earlier.negative),
        ):
            index, counts = before.cells(earlier.scale - self.scale)
            rest = now.counts.copy()
            if index.size:
                if not rest.size or index[0] < now.offset or index[-1] >= now.offset + rest.size:
                    return None
                rest[index - now.offset] -= counts
            if rest.size and rest.min() < 0:
                return None
            signs.append(Buckets.dense(now.offset, rest))
        if self.zeros < earlier.zeros:
            return None
        zeros = self.zeros - earlier.zeros
        up, down = signs
        return type(self)(self.scale, zeros, up, down, origin=self.origin)

    def about(self, origin: float) -> Self:
        """The values about another origin, each at the middle of its bucket."""
        if origin == self.origin or not self.count:
            return type(self).empty(origin) if not self.count else self
        zeros, signs = self.shifted(origin)
        return self.fitted(FINEST, zeros, signs, (self.minimum, self.maximum), origin)

    def shifted(self, origin: float) -> tuple[int, list[Cells]]:
        """Zeros, and positive and negative cells at the finest scale, about another origin."""
        if self.single:
            middles, counts = np.array([self.minimum]), np.array([self.count])
        else:
            lower, upper, counts = self.cells()
            middles = lower / 2 + upper / 2
        return signed(middles - origin, counts)

    def bounds(self) -> tuple[Floats, Floats, Ints]:
        """Lower and upper bounds and counts of the filled buckets, ascending, zeros included."""
        return self._bounds

    @cached_property
    def _bounds(self) -> tuple[Floats, Floats, Ints]:
        return next(Flat.of([self]).each()) if self.count else _NOTHING

    def cells(self) -> tuple[Floats, Floats, Ints]:
        """The same, with the outermost bounds drawn in to the extremes where these are known."""
        return next(self._cells.each()) if self.count else _NOTHING

    @property
    def _cells(self) -> Flat:
        flat = Flat.one(*self.bounds())
        return flat.within(np.array([self.minimum]), np.array([self.maximum]))

    def lines(self) -> tuple[Floats, Floats]:
        """Bounds of its buckets, and how many values are at or below each."""
        return self._lines

    def cumulative(self) -> tuple[Floats, Floats]:
        """Edges, and how many values are at or below each; linear between them."""
        return self._cumulative

    @cached_property
    def smooth(self) -> npt.NDArray[np.bool_]:
        """Which of these buckets look like pieces of a density."""
        return Flat.one(*self.bounds()).smooth()

    @cached_property
    def _lines(self) -> tuple[Floats, Floats]:
        return self._cells.lines()[0] if self.count else (np.zeros(1), np.zeros(1))

    @cached_property
    def _cumulative(self) -> tuple[Floats, Floats]:
        return self._cells.cumulative([self._lines])[0] if self.count else self._lines


def work_out(histograms: Sequence[Exponential]) -> Flat:
    """Bounds and cumulative counts of several, none empty, at once; each keeps its own."""
    flat = Flat.of(histograms)
    extremes = np.array([(h.minimum, h.maximum) for h in histograms]).T
    cells, smooth = flat.within(*extremes), flat.smooth()
    lines = cells.lines()
    for histogram, start, bounds, line, rising in zip(
        histograms, flat.starts.tolist(), flat.each(), lines, cells.cumulative(lines), strict=True
    ):
        of_this = smooth[start : start + len(bounds[0])]
        vars(histogram).update(_bounds=bounds, _lines=line, _cumulative=rising, smooth=of_this)
    return flat


def pool(histograms: Sequence[Exponential], scale: int) -> list[Cells]:
    """The positive and the negative cells of several, at a scale not finer than theirs."""
    signs = []
    for sides in ([h.positive for h in histograms], [h.negative for h in histograms]):
        cells = [b.cells(h.scale - scale) for b, h in zip(sides, histograms, strict=True)]
        index, counts = (np.concatenate(column) for column in zip(*cells, strict=True))
        signs.append(tally(index, counts))
    return signs
