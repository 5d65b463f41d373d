"""How a sketch is cut into pieces that add up, and put together again.

Each piece travels as one data point. Pieces of a column may arrive in any order and apart from
each other (a Collector splits and reorders batches), so each is additive by itself.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from otelml.sketch.categories import OTHER, Categories
from otelml.sketch.count import Count
from otelml.sketch.exponential import Buckets, Exponential
from otelml.sketch.moments import Moments
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability


class Part(StrEnum):
    """What a piece is of its sketch."""

    BODY = "body"
    TAIL = "tail"
    COUNT = "count"
    SUM = "sum"
    SQUARES = "squares"
    OBSERVATIONS = "observations"
    MISSING = "missing"
    NON_FINITE = "non_finite"
    TYPE_MISMATCH = "type_mismatch"
    CATEGORY = "category"
    SHARES = "shares"
    TOTAL = "total"


Label: TypeAlias = str | float | None
"""The pivot of a sum, or the category of a count."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One additive piece of a sketch."""

    part: Part
    value: Exponential | Probability | float
    label: Label = None


def explode(sketch: Numeric | Categories | Probability | Count, pivot: float = 0.0) -> list[Piece]:
    """The pieces of a sketch; sums are taken about `pivot`.

    >>> [piece.part.value for piece in explode(Categories.of(["a", None]))]
    ['category', 'observations', 'missing']
    """
    match sketch:
        case Count():
            return [Piece(Part.TOTAL, sketch.value)]
        case Categories():
            pieces = [Piece(Part.CATEGORY, n, name) for name, n in sketch.counts.items()]
            if sketch.other:
                pieces.append(Piece(Part.CATEGORY, sketch.other, OTHER))
            return pieces + _quality(sketch.observations, sketch.missing, 0, sketch.mismatched)
        case Probability():
            shares = Probability(sketch.counts, sketch.sum)
            pieces = [Piece(Part.SHARES, shares)] if sketch.count else []
            return pieces + _quality(0, sketch.missing, 0, sketch.mismatched)
        case Numeric():
            pieces = [
                Piece(part, histogram)
                for part, histogram in ((Part.BODY, sketch.body), (Part.TAIL, sketch.tail))
                if histogram.count
            ]
            if sketch.moments.count:
                total, squares = sketch.moments.about(pivot)
                pieces += [
                    Piece(Part.COUNT, sketch.moments.count, pivot),
                    Piece(Part.SUM, total, pivot),
                    Piece(Part.SQUARES, squares, pivot),
                ]
            quality = sketch.missing, sketch.non_finite, sketch.mismatched
            return pieces + _quality(sketch.observations, *quality)


def _quality(observations: int, missing: int, non_finite: int, mismatched: int) -> list[Piece]:
    counts = (
        (Part.OBSERVATIONS, observations),
        (Part.MISSING, missing),
        (Part.NON_FINITE, non_finite),
        (Part.TYPE_MISMATCH, mismatched),
    )
    return [Piece(part, count) for part, count in counts if count]


@dataclass(slots=True)
class Assembly:
    """Sum of the pieces of one column, and the sketch that they make.

    Histograms of one scale are added in place; sketches of different scales are merged at the end.

    >>> assembly = Assembly()
    >>> for piece in explode(Categories.of(["a", None, "a"])):
    ...     assembly.add(piece)
    >>> assembly.sketch()
    Categories(counts=mappingproxy({'a': 2}), other=0, missing=1, mismatched=0)
    """

    histograms: dict[tuple[Part, int, float], "_Dense"] = field(default_factory=dict)
    sums: dict[tuple[Part, Label], float] = field(default_factory=dict)
    shares: Probability | None = None

    def add(self, piece: Piece) -> None:
        """Add one piece."""
        match piece.value:
            case Exponential() as histogram:
                key = piece.part, histogram.scale, histogram.origin
                dense = self.histograms.get(key)
                if dense is None:
                    dense = self.histograms[key] = _Dense(histogram.scale, histogram.origin)
                dense.add(histogram)
            case Probability() as shares:
                self.shares = shares if self.shares is None else self.shares.merge(shares)
            case value:
                sum_key = piece.part, piece.label
                self.sums[sum_key] = self.sums.get(sum_key, 0) + value

    def merge(self, other: "Assembly") -> None:
        """Add all that another one holds."""
        for piece in other.pieces():
            self.add(piece)

    def pieces(self) -> Iterable[Piece]:
        """What it holds, as pieces again."""
        for (part, _, _), dense in self.histograms.items():
            for histogram in dense.whole():
                yield Piece(part, histogram)
        for (part, label), value in self.sums.items():
            yield Piece(part, value, label)
        if self.shares is not None:
            yield Piece(Part.SHARES, self.shares)

    def sketch(self) -> Numeric | Categories | Probability | Count:
        """The sketch of all that was added."""
        missing, non_finite, mismatched = (
            int(self.sums.get((part, None), 0))
            for part in (Part.MISSING, Part.NON_FINITE, Part.TYPE_MISMATCH)
        )
        if self.shares is not None:
            return self.shares.merge(
                Probability(np.zeros_like(self.shares.counts), 0.0, missing, mismatched)
            )
        categories = {
            str(label): int(count)
            for (part, label), count in self.sums.items()
            if part is Part.CATEGORY
        }
        if categories:
            other = categories.pop(OTHER, 0)
            return Categories.counted(categories, other, missing, mismatched)
        if (Part.TOTAL, None) in self.sums:
            return Count(int(self.sums[Part.TOTAL, None]))
        histograms = self._histograms()
        return Numeric(
            histograms.body, histograms.tail, self._moments(), missing, non_finite, mismatched
        )

    def _histograms(self) -> Numeric:
        """Body and tail: those of one scale make one sketch, and the sketches are merged."""
        scales: dict[tuple[int, float], list[Numeric]] = {}
        for (part, scale, origin), dense in self.histograms.items():
            for histogram in dense.whole():
                nothing = Exponential.empty(origin)
                pair = (histogram, nothing) if part is Part.BODY else (nothing, histogram)
                scales.setdefault((scale, origin), []).append(Numeric(*pair))
        ordered = sorted(scales.items(), key=lambda item: -sum(s.count for s in item[1]))
        return reduce(Numeric.merge, (s for _, group in ordered for s in group), Numeric.empty())

    def _moments(self) -> Moments:
        pivots = {label for part, label in self.sums if part is Part.COUNT}
        moments = Moments()
        for pivot in sorted(float(label) for label in pivots if isinstance(label, float)):
            count, total, squares = (
                self.sums.get((part, pivot), 0.0) for part in (Part.COUNT, Part.SUM, Part.SQUARES)
            )
            moments = moments.merge(Moments.from_sums(pivot, round(count), total, squares))
        return moments

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "sums": [[part, label, value] for (part, label), value in self.sums.items()],
            "shares": None if self.shares is None else _dump_shares(self.shares),
            "histograms": [
                [part, _dump_histogram(histogram)]
                for (part, _, _), dense in self.histograms.items()
                for histogram in dense.whole()
            ],
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> "Assembly":
        """The assembly that `dump` described."""
        assembly = cls()
        for part, label, value in state["sums"]:
            assembly.add(Piece(Part(part), value, label))
        if state["shares"] is not None:
            assembly.add(Piece(Part.SHARES, _load_shares(state["shares"])))
        for part, histogram in state["histograms"]:
            assembly.add(Piece(Part(part), _load_histogram(histogram)))
        return assembly


class _Dense:
    """Sum of histograms of one scale and origin, in arrays that grow as needed."""

    _WIDEST = 4096
    """Buckets held densely; histograms far apart at a fine scale are merged instead."""

    def __init__(self, scale: int, origin: float) -> None:
        self.scale, self.origin = scale, origin
        self.zeros, self.minimum, self.maximum = 0, np.nan, np.nan
        self.offsets = [0, 0]
        self.counts = [np.zeros(0, np.int64), np.zeros(0, np.int64)]
        self.apart: list[Exponential] = []

    def add(self, histogram: Exponential) -> None:
        signs = histogram.positive, histogram.negative
        for sign, buckets in enumerate(signs):
            if buckets.counts.size and not self._covers(sign, buckets):
                self.apart.append(histogram)
                if len(self.apart) > 16:
                    self.apart = [reduce(Exponential.merge, self.apart)]
                return
        for sign, buckets in enumerate(signs):
            if buckets.counts.size:
                start = buckets.offset - self.offsets[sign]
                self.counts[sign][start : start + buckets.counts.size] += buckets.counts
        self.zeros += histogram.zeros
        if histogram.minimum == histogram.minimum:  # known
            self.minimum = min(histogram.minimum, self.minimum)
            self.maximum = max(histogram.maximum, self.maximum)
            if self.minimum != self.minimum:
                self.minimum, self.maximum = histogram.minimum, histogram.maximum

    def _covers(self, sign: int, buckets: Buckets) -> bool:
        """Grow the array of a sign to cover these buckets, unless it would get too wide."""
        counts, offset = self.counts[sign], self.offsets[sign]
        end = buckets.offset + buckets.counts.size
        if counts.size and offset <= buckets.offset and end <= offset + counts.size:
            return True
        low = min(offset, buckets.offset) if counts.size else buckets.offset
        high = max(offset + counts.size, end) if counts.size else end
        if high - low > self._WIDEST:
            return False
        grown = np.zeros(high - low, np.int64)
        if counts.size:
            grown[offset - low : offset - low + counts.size] = counts
        self.counts[sign], self.offsets[sign] = grown, low
        return True

    def whole(self) -> list[Exponential]:
        """What was added, each in as many buckets as an exponential histogram may have."""
        positive, negative = (
            Buckets.dense(offset, counts)
            for offset, counts in zip(self.offsets, self.counts, strict=True)
        )
        cells = positive.cells(), negative.cells()
        extremes = float(self.minimum), float(self.maximum)
        dense = Exponential.fitted(self.scale, self.zeros, cells, extremes, self.origin)
        return [h for h in (dense, *self.apart) if h.count]


def _dump_array(array: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(array.astype("<i8").tobytes()).decode()


def _load_array(text: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.frombuffer(base64.b64decode(text), "<i8").astype(np.int64)


def _dump_shares(shares: Probability) -> list[Any]:
    return [_dump_array(shares.counts), shares.sum]


def _load_shares(state: list[Any]) -> Probability:
    return Probability(_load_array(state[0]), state[1])


def _dump_histogram(h: Exponential) -> list[Any]:
    extremes = [None if np.isnan(x) else x for x in (h.minimum, h.maximum)]
    signs = [[b.offset, _dump_array(b.counts)] for b in (h.positive, h.negative)]
    return [h.scale, h.zeros, *signs, *extremes, h.origin]


def _load_histogram(state: list[Any]) -> Exponential:
    scale, zeros, positive, negative, minimum, maximum, origin = state
    up, down = (Buckets(offset, _load_array(counts)) for offset, counts in (positive, negative))
    low, high = (np.nan if x is None else x for x in (minimum, maximum))
    return Exponential(scale, zeros, up, down, low, high, origin)
