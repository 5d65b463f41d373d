"""The sketch of a numeric column: an exponential histogram that one bad value does not blind.

A plain exponential histogram coarsens until it covers its range, so that a single 1.0 among values
around 1000 takes all resolution away. Here a small share of the values at either end of the
range, and all that stand apart from the others, move to a second histogram, the tail, where that
buys resolution; every value is counted once, in a true bucket of one of the two. The same rule
serves updates and merges. Values whose spread is tiny beside their distance from zero (timestamps,
ids) are taken about an origin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch import exponential
from otelml.sketch.array import Floats, Ints
from otelml.sketch.buckets import COARSEST, FINEST, Buckets, Cells, signed
from otelml.sketch.distribution import Distribution, bounds_of, rising
from otelml.sketch.exponential import Exponential
from otelml.sketch.flat import Flat
from otelml.sketch.moments import Moments
from otelml.sketch.origin import origin_for
from otelml.sketch.trim import between, ends, layout, without
from otelml.sketch.union import union
from otelml.sketch.whole import apart, evident, possible

THIN: Final = 0.01
"""Share of the values that are in coarser buckets where a sketch is condensed."""

_MANY: Final = 0.02
"""Share of the values, more than merging leaves in a coarse tail, that tells that halves differ."""


@dataclass(frozen=True)
class Numeric(Distribution):
    """Distribution, exact moments and quality counts of one column.

    >>> part = Numeric.of(np.array([1.0, 2.0, np.nan]))
    >>> whole = part.merge(Numeric.of(np.array([6.0])))
    >>> whole.mean, whole.count, whole.missing
    (3.0, 3, 1)
    """

    body: Exponential
    tail: Exponential
    moments: Moments = field(default_factory=Moments)
    missing: int = 0
    non_finite: int = 0
    mismatched: int = 0

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls(Exponential.empty(), Exponential.empty())

    @classmethod
    def of(cls, values: npt.ArrayLike, mismatched: int = 0) -> Self:
        """The sketch of a 1-d array: NaN is missing, infinities are not finite."""
        raw = np.asarray(values, np.float64)
        finite = raw[np.isfinite(raw)]
        missing = int(np.isnan(raw).sum())
        moments = Moments.of(finite)
        body, tail = _histograms(finite, origin_for(finite))
        return cls(body, tail, moments, missing, raw.size - finite.size - missing, mismatched)

    @classmethod
    def of_cells(
        cls,
        scale: int,
        zeros: int,
        signs: Sequence[Cells],
        extremes: tuple[float, float],
        origin: float,
    ) -> Self:
        """The histograms, without moments, of values that were put into buckets already."""
        return cls(*layout(scale, zeros, list(signs), extremes, origin, Exponential.empty(origin)))

    def merge(self, other: Self) -> Self:
        """The sketch of both."""
        body, tail = union((self.body, self.tail), (other.body, other.tail))
        return type(self)(
            body,
            tail,
            self.moments.merge(other.moments),
            self.missing + other.missing,
            self.non_finite + other.non_finite,
            self.mismatched + other.mismatched,
        )

    def with_mismatched(self, mismatched: int) -> Self:
        """The same, of which so many that stood as missing were of another type."""
        if not mismatched:
            return self
        missing = self.missing - mismatched
        return replace(self, missing=missing, mismatched=self.mismatched + mismatched)

    @cached_property
    def count(self) -> int:
        """Finite values."""
        return self.body.count + self.tail.count

    @property
    def observations(self) -> int:
        """Values seen, whatever they were."""
        return self.count + self.missing + self.non_finite + self.mismatched

    @cached_property
    def minimum(self) -> float:
        """Least value; NaN where unknown."""
        return float(np.fmin(self.body.minimum, self.tail.minimum))

    @cached_property
    def maximum(self) -> float:
        """Greatest value; NaN where unknown."""
        return float(np.fmax(self.body.maximum, self.tail.maximum))

    @property
    def mean(self) -> float:
        """Exact mean; NaN of nothing."""
        return self.moments.mean

    @property
    def variance(self) -> float:
        """Exact population variance (ddof 0); NaN of nothing."""
        return self.moments.variance

    def buckets(self) -> tuple[Floats, Floats, Ints]:
        """Bounds and counts of the body's filled buckets; where it is whole, of its numbers."""
        return self._numbers if self.whole else self.body.bounds()

    @cached_property
    def smooth(self) -> npt.NDArray[np.bool_]:
        """Which buckets look like pieces of a density."""
        return Flat.one(*self._numbers).smooth() if self.whole else self.body.smooth

    @cached_property
    def grid(self) -> Floats:
        """Bounds of its filled buckets; of a small tail's, only those beyond the body."""
        grid = super().grid
        if not self.tail.count:
            return grid
        edges = np.sort(bounds_of(*self.tail.bounds()))  # not drawn in: the other's may lie beyond
        if self.tail.count <= THIN * self.count and grid.size:
            if edges[0] >= grid[0] and edges[-1] <= grid[-1]:
                return grid
            edges = edges[(edges < grid[0]) | (edges > grid[-1])]
        return np.unique(np.concatenate([grid, edges]))

    def cumulative(self) -> tuple[Floats, Floats]:
        """Edges, and how many values are at or below each; linear between them."""
        return self._cumulative if self.tail.count else self._risen

    def lines(self) -> tuple[Floats, Floats]:
        """The same at the bounds of its buckets, whatever is known of values inside them."""
        return self._lines if self.tail.count else self.body.lines()

    @cached_property
    def _lines(self) -> tuple[Floats, Floats]:
        return _joined(self.body.lines(), self.tail.lines())

    @cached_property
    def whole(self) -> bool:
        """Whether the values of the body, but for odd ones, are seen to be whole numbers."""
        return self._could_be_whole and evident(*self.body.bounds(), self.body.origin)

    @cached_property
    def _could_be_whole(self) -> bool:
        body = self.body
        flat = Flat.one(*body.bounds())
        return body.count > 0 and bool(possible(flat, np.array([body.origin]))[0])

    @cached_property
    def _numbers(self) -> tuple[Floats, Floats, Ints]:
        body = self.body
        return apart(*body.bounds(), body.origin, (body.minimum, body.maximum))

    @cached_property
    def _risen(self) -> tuple[Floats, Floats]:
        if not self.whole:
            return self.body.cumulative()
        numbers = Flat.one(*self._numbers)
        return numbers.cumulative(numbers.lines())[0]

    @cached_property
    def _cumulative(self) -> tuple[Floats, Floats]:
        return _joined(self._risen, self.tail.lines())

    def condensed(self) -> Self:
        """The same in fewer buckets, for a file: eight in one where they are many and thin.

        They are those of the values nearest to zero, which take as many buckets an octave as the
        others. Condensing again changes nothing.
        """
        body, tail = self.body, self.tail
        room = int(THIN * self.count) - tail.count
        if room <= 0 or body.zeros == body.count:
            return self
        signs = [body.positive.cells(), body.negative.cells()]
        kept = between(signs, *ends(signs, room, 0))
        rest = [without(cells, inner) for cells, inner in zip(signs, kept, strict=True)]
        if not any(index.size for index, _ in rest):
            return self
        coarse = max(body.scale - 3, min(tail.scale, body.scale) if tail.count else COARSEST)
        up, down = (Buckets.of(cells) for cells in rest)
        thin = Exponential(body.scale, 0, up, down, math.nan, math.nan, body.origin).rescale(coarse)
        up, down = (Buckets.of(cells) for cells in kept)
        body = replace(body, positive=up, negative=down)
        return replace(self, body=body, tail=tail.merge(thin) if tail.count else thin)

    def alike(self, other: Self) -> tuple[Self, Self]:
        """Both at the coarser scales, so that a line through a bucket cuts both alike.

        What is seen of one, that its values are whole numbers, is taken for true of both, or of
        neither if it cannot be. Where what is in the body of one is in a coarse tail of the other,
        each pools its own two.
        """
        if self._parted(other) or other._parted(self):
            return self._pooled.alike(other._pooled)
        scale = min(self.body.scale, other.body.scale)
        far = min(self.tail.scale, other.tail.scale)
        could = self._could_be_whole and other._could_be_whole
        whole = could and (self.whole or other.whole)
        return self._as(scale, far, whole=whole), other._as(scale, far, whole=whole)

    def _parted(self, other: Self) -> bool:
        """Whether many of its values are in its tail where the other's body has values."""
        if self.tail.count <= _MANY * self.count or not other.body.count:
            return False
        (lower, upper, counts), (first, last, _) = self.tail.cells(), other.body.cells()
        shared = last.searchsorted(lower, "right") < first.searchsorted(upper, "left")
        return int(counts[shared].sum()) > _MANY * self.count

    @cached_property
    def _pooled(self) -> Self:
        nothing = Exponential.empty(self.body.origin)
        return replace(self, body=self.body.merge(self.tail), tail=nothing)

    def _as(self, scale: int, far: int, *, whole: bool) -> Self:
        """The same with body and tail of these scales, of whole numbers or not."""
        if (scale, far, whole) == (self.body.scale, self.tail.scale, self.whole):
            return self
        key = scale, far, whole
        if key not in self._others:
            body, tail = self.body.rescale(scale), self.tail.rescale(far)
            made = self._others[key] = replace(self, body=body, tail=tail)
            vars(made)["whole"] = whole  # its own buckets might not tell
        return self._others[key]

    @cached_property
    def _others(self) -> dict[tuple[int, int, bool], Self]:
        return {}


def work_out(sketches: Sequence[Numeric]) -> None:
    """Work out at once what each would for itself; each keeps its own."""
    new = [s for s in sketches if s.body.count and "_cumulative" not in vars(s.body)]
    tails = [s.tail for s in new if s.tail.count and "_cumulative" not in vars(s.tail)]
    if new:
        flat = exponential.work_out([*(s.body for s in new), *tails])
        origins = np.array([s.body.origin for s in new] + [tail.origin for tail in tails])
        for sketch, could in zip(new, possible(flat, origins).tolist(), strict=False):
            vars(sketch)["_could_be_whole"] = could


def _joined(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The sum of two cumulative counts, at the edges of both."""
    (x, f), (y, g) = one, other
    edges = np.unique(np.concatenate([x, y]))
    return edges, rising(edges, x, f) + rising(edges, y, g)


def _histograms(finite: Floats, origin: float) -> tuple[Exponential, Exponential]:
    zeros, signs = signed(finite - origin)
    extremes = (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)
    return layout(FINEST, zeros, signs, extremes, origin, Exponential.empty(origin))
