"""Cumulative streams that only grow, and that start anew rather than lose their sight.

A merge of sketches may move values from the body to the tail; a cumulative histogram may not, since
its buckets only grow. Where one early bad value would blind a stream for good, or a newcomer among
categories outweighs one that has a stream, the streams of that key start anew: a new start time,
and only what came since, as the data model provides for a process that restarts. Not so those of
calls: they travel as one histogram, which a first slow call blinds either way.
"""

import math
from typing import Final

from otelml.data import Series, Sketch
from otelml.sketch.categories import Categories
from otelml.sketch.kind import as_kind
from otelml.sketch.numeric import Numeric

_BLINDED: Final = 2
"""Scale steps lost that are worth a restart."""


class Total:
    """What one key saw since `start`, in a form whose every stream is cumulative."""

    def __init__(self, series: Series, most_categories: int) -> None:
        self.start, self.end = series.start, series.end
        self.sketch: Sketch = series.sketch
        self.pivot = pivot(series.sketch)
        self._most = most_categories
        self._names = _heaviest(series.sketch, most_categories)

    def add(self, series: Series) -> None:
        """Add what came since."""
        merged: Sketch | None
        kind = type(series.sketch)
        if type(self.sketch) is not kind:  # it was a guess, on few values or none
            self.sketch, self.pivot = as_kind(self.sketch, kind), pivot(series.sketch)
        match self.sketch, series.sketch:
            case Numeric() as held, Numeric() as new if series.key.role.is_column:
                merged = self._numeric(held, new)
            case Categories() as held, Categories() as new:
                merged = self._categories(held.merge(new), new)
            case held, new:
                merged = held.merge(new)  # type: ignore[arg-type]  # of one key, so of one kind
        if merged is None:
            self.start, self.sketch = series.start, series.sketch
        else:
            self.sketch = merged
        self.end = series.end

    def shown(self) -> Sketch:
        """What travels: of categories, those that have a stream by name."""
        if not isinstance(self.sketch, Categories):
            return self.sketch
        kept = {name: n for name, n in self.sketch.counts.items() if name in self._names}
        other = self.sketch.count - sum(kept.values())
        return Categories(kept, other, self.sketch.missing, self.sketch.mismatched)

    def _numeric(self, held: Numeric, new: Numeric) -> Numeric | None:
        if held.count and new.count and held.body.origin != new.body.origin:
            return None
        body, tail = held.body.merge(new.body), held.tail.merge(new.tail)
        if held.body.scale - body.scale >= _BLINDED or new.body.scale - body.scale >= _BLINDED:
            free = held.merge(new).body.scale
            if free - body.scale >= _BLINDED:
                return None
        return Numeric(
            body,
            tail,
            held.moments.merge(new.moments),
            held.missing + new.missing,
            held.non_finite + new.non_finite,
            held.mismatched + new.mismatched,
        )

    def _categories(self, merged: Categories, new: Categories) -> Categories | None:
        wanted = _heaviest(merged, self._most)
        if len(self._names) < self._most:  # there is room: newcomers get streams
            room = self._most - len(self._names)
            newcomers = [name for name in wanted if name not in self._names][:room]
            self._names |= frozenset(newcomers)
            return merged
        lightest = min((merged.counts.get(name, 0) for name in self._names), default=0)
        newcomers = [n for n in wanted - self._names if merged.counts[n] > 2 * lightest]
        if newcomers:
            self._names = _heaviest(new.merge(merged), self._most)
            return None
        return merged


def _heaviest(sketch: Sketch, most: int) -> frozenset[str]:
    return frozenset(sketch.capped(most).counts) if isinstance(sketch, Categories) else frozenset()


def pivot(sketch: Sketch) -> float:
    """Value about which the sums of a new stream are taken.

    The mean rounded to a power of two not finer than the spread, nor than 2⁻²⁰ of itself: close
    enough to keep the digits of the variance, and no raw value.
    """
    if not isinstance(sketch, Numeric) or not sketch.moments.count:
        return 0.0
    coarse = max(math.sqrt(sketch.variance), abs(sketch.mean) * 2.0**-20)
    if not coarse:
        return 0.0
    granule = 2.0 ** math.ceil(math.log2(coarse))
    return round(sketch.mean / granule) * granule
