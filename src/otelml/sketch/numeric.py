"""The sketch of a numeric column: an exponential histogram that one bad value does not blind.

A plain exponential histogram coarsens until it covers its range, so that a single 1.0 among values
around 1000 takes all resolution away. Here a small share of the values at either end of the
range move to a second, coarse histogram, the tail, where that buys resolution; every value is
counted once, in a true bucket of one of the two. The same rule serves updates and merges. Values
whose spread is tiny beside their distance from zero (timestamps, ids) are taken about an origin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch import exponential
from otelml.sketch.array import Floats, Ints
from otelml.sketch.buckets import COARSEST, FINEST, Buckets, Cells, signed
from otelml.sketch.distribution import Distribution
from otelml.sketch.exponential import Exponential, pool
from otelml.sketch.flat import Flat
from otelml.sketch.moments import Moments
from otelml.sketch.origin import origin_for
from otelml.sketch.trim import FEW, MUCH, between, ends, layout, without
from otelml.sketch.whole import apart, evident, possible

THIN: Final = 0.01
"""Share of the values that are in coarser buckets where a sketch is condensed."""

_CROWD: Final = 0.01
"""Share of the values that merging leaves in a tail too coarse for the body to take them back."""

_CROWDED: Final = 32
"""The same of a small sketch, whatever its share: it may grow."""


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
        body, tail = _union(self, other)
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
        return _joined(self._risen, self.tail.cumulative())

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
        """Both with bodies of the coarser scale, so that a line through a bucket cuts both alike.

        What is seen of one, that its values are whole numbers, is taken for true of the other,
        if that can be.
        """
        scale = min(self.body.scale, other.body.scale)
        whole = self.whole or other.whole
        return self._as(scale, whole=whole), other._as(scale, whole=whole)

    def _as(self, scale: int, *, whole: bool) -> Self:
        """The same with a body of this scale, of whole numbers if it can be."""
        whole = whole and self._could_be_whole
        if (scale, whole) == (self.body.scale, self.whole):
            return self
        if (scale, whole) not in self._others:
            made = self._others[scale, whole] = replace(self, body=self.body.rescale(scale))
            vars(made)["whole"] = whole  # its own buckets might not tell
        return self._others[scale, whole]

    @cached_property
    def _others(self) -> dict[tuple[int, bool], Self]:
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
    return edges, np.interp(edges, x, f, left=0.0) + np.interp(edges, y, g, left=0.0)


def _histograms(finite: Floats, origin: float) -> tuple[Exponential, Exponential]:
    zeros, signs = signed(finite - origin)
    extremes = (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)
    return layout(FINEST, zeros, signs, extremes, origin, Exponential.empty(origin))


def _union(one: Numeric, other: Numeric) -> tuple[Exponential, Exponential]:
    """Body and tail of two sketches.

    Tails that are fine enough return to the pool, out of which the new body is chosen; a tail
    coarser than the body that comes out stays a tail.
    """
    if not one.count or not other.count:
        kept = one if one.count else other
        return kept.body, kept.tail
    origin = max((one, other), key=lambda s: s.count).body.origin
    one, other = _about(one, origin), _about(other, origin)
    extremes = (
        float(np.fmin(one.minimum, other.minimum)),
        float(np.fmax(one.maximum, other.maximum)),
    )
    parts = sorted((one.body, other.body), key=lambda h: h.scale)
    tails = [h for h in (one.tail, other.tail) if h.count]
    total = one.count + other.count
    few = max(_CROWD * total, 2 * FEW, min(_CROWDED, total // 4))
    if parts[0].scale + MUCH <= parts[1].scale and sum(h.count for h in (parts[0], *tails)) <= few:
        tails.append(parts.pop(0))
    tails.sort(key=lambda h: h.scale)
    while True:
        scale = min(h.scale for h in parts)
        while tails and (tails[-1].scale >= scale or sum(h.count for h in tails) > few):
            parts.append(tails.pop())
            scale = min(scale, parts[-1].scale)
        signs = pool(parts, scale)
        stuck = reduce(Exponential.merge, tails, Exponential.empty(origin))
        zeros = sum(h.zeros for h in parts)
        body, tail = layout(scale, zeros, signs, extremes, origin, stuck)
        if not tails or tails[-1].scale < body.scale:
            return body, tail
        parts.append(tails.pop())


def _about(sketch: Numeric, origin: float) -> Numeric:
    """The same about another origin, where other values may be the odd ones."""
    if sketch.body.origin == origin:
        return sketch
    zeros, signs = sketch.body.shifted(origin)
    extremes = sketch.minimum, sketch.maximum
    tail = sketch.tail.about(origin)
    return Numeric(*layout(FINEST, zeros, signs, extremes, origin, tail), sketch.moments)
