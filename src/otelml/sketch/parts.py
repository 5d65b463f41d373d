"""How a sketch is cut into pieces that add up, and put together again.

Each piece travels as one data point. Pieces of a column may arrive in any order and apart from
each other (a Collector splits and reorders batches), so each is additive by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from otelml.sketch.categories import OTHER, Categories
from otelml.sketch.count import Count
from otelml.sketch.dense import Dense
from otelml.sketch.exponential import Exponential
from otelml.sketch.moments import Moments
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability
from otelml.sketch.state import (
    dump_exponential,
    dump_probability,
    load_exponential,
    load_probability,
)


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


class Piece(NamedTuple):
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

    histograms: dict[tuple[Part, int, float], Dense] = field(default_factory=dict)
    sums: dict[tuple[Part, Label], float] = field(default_factory=dict)
    shares: Probability | None = None

    def add(self, piece: Piece) -> None:
        """Add one piece."""
        part, value, label = piece
        if isinstance(value, Exponential):
            key = part, value.scale, value.origin
            dense = self.histograms.get(key)
            if dense is None:
                dense = self.histograms[key] = Dense(value.scale, value.origin)
            dense.add(value)
        elif isinstance(value, Probability):
            self.shares = value if self.shares is None else self.shares.merge(value)
        else:
            self.sums[part, label] = self.sums.get((part, label), 0) + value

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
            "shares": None if self.shares is None else dump_probability(self.shares),
            "histograms": [
                [part, dump_exponential(histogram)]
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
            assembly.add(Piece(Part.SHARES, load_probability(state["shares"])))
        for part, histogram in state["histograms"]:
            assembly.add(Piece(Part(part), load_exponential(histogram)))
        return assembly
