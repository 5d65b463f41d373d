"""Weighted counts by true and predicted class, bounded in classes.

Up to `CLASSES` classes the counts are exact, whatever the split and order of the parts; beyond it
the lightest lose their names, never their counts, and the share of right predictions stays exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats
from otelml.sketch.categories import OTHER

CLASSES: Final = 64
"""Classes that keep their names."""


class Cell(NamedTuple):
    """Sum of the weights of some rows, and of the squared weights."""

    weight: float = 0.0
    squares: float = 0.0

    def plus(self, other: "Cell") -> "Cell":
        """Both together."""
        return Cell(self.weight + other.weight, self.squares + other.squares)


@dataclass(frozen=True)
class Confusion:
    """How much weight each pair of a true and a predicted class has.

    `crossed` is the part of the pair of two pooled classes that are not the same class.

    >>> one = Confusion.of(["a", "b", "b"], ["a", "b", "a"])
    >>> one.right, one.total.weight, one.classes
    (2.0, 3.0, ('a', 'b'))
    """

    cells: Mapping[tuple[str, str], Cell] = field(default_factory=lambda: MappingProxyType({}))
    crossed: Cell = field(default_factory=Cell)

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls()

    @classmethod
    def of(
        cls,
        truth: Iterable[str | None],
        predicted: Iterable[str | None],
        weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Counts of rows that have both classes."""
        pairs = list(zip(truth, predicted, strict=True))
        codes: dict[tuple[str | None, str | None], int] = {}
        slots = np.array([codes.setdefault(pair, len(codes)) for pair in pairs], np.int64)
        w = np.ones(len(pairs)) if weight is None else np.asarray(weight, np.float64)
        sums = np.bincount(slots, w, minlength=len(codes)).tolist()
        squares = np.bincount(slots, w * w, minlength=len(codes)).tolist()
        return cls._capped(
            {
                (true, guess): Cell(sums[slot], squares[slot])
                for (true, guess), slot in codes.items()
                if true is not None and guess is not None and sums[slot] > 0
            },
            Cell(),
        )

    def merge(self, other: Self) -> Self:
        """The counts of both."""
        cells = dict(self.cells)
        for pair, cell in other.cells.items():
            cells[pair] = cells.get(pair, Cell()).plus(cell)
        return self._capped(cells, self.crossed.plus(other.crossed))

    @classmethod
    def _capped(cls, cells: Mapping[tuple[str, str], Cell], crossed: Cell) -> Self:
        """The heaviest classes by name, ties in the order of names; the rest pooled."""
        weights: dict[str, float] = {}
        for pair, cell in cells.items():
            for name in pair:
                weights[name] = weights.get(name, 0.0) + cell.weight
        weights.pop(OTHER, None)
        if len(weights) <= CLASSES:
            return cls(MappingProxyType(dict(sorted(cells.items()))), crossed)
        ranked = sorted(weights, key=lambda name: (-weights[name], name))
        kept = set(ranked[:CLASSES])
        pooled: dict[tuple[str, str], Cell] = {}
        for (true, guess), cell in sorted(cells.items()):
            pair = (true if true in kept else OTHER, guess if guess in kept else OTHER)
            pooled[pair] = pooled.get(pair, Cell()).plus(cell)
            if pair == (OTHER, OTHER) and true != guess:
                crossed = crossed.plus(cell)
        return cls(MappingProxyType(dict(sorted(pooled.items()))), crossed)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes seen, sorted; pooled ones have none."""
        return tuple(sorted({name for pair in self.cells for name in pair} - {OTHER}))

    @property
    def total(self) -> Cell:
        """All rows."""
        return Cell(*(float(part.sum()) for part in self.matrices))

    @property
    def right(self) -> float:
        """Weight of the rows whose prediction is the truth."""
        hits = sum(cell.weight for (true, guess), cell in self.cells.items() if true == guess)
        return hits - self.crossed.weight

    @cached_property
    def matrices(self) -> tuple[Floats, Floats]:
        """Weights and squared weights, (classes + 1, classes + 1): true by predicted, rest last."""
        slots = {name: slot for slot, name in enumerate((*self.classes, OTHER))}
        weights, squares = np.zeros((2, len(slots), len(slots)))
        for (true, guess), cell in self.cells.items():
            weights[slots[true], slots[guess]], squares[slots[true], slots[guess]] = cell
        weights.setflags(write=False)
        squares.setflags(write=False)
        return weights, squares

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "cells": [[*pair, *cell] for pair, cell in self.cells.items()],
            "crossed": [*self.crossed],
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` described."""
        cells = {(true, guess): Cell(*sums) for true, guess, *sums in state["cells"]}
        return cls(MappingProxyType(cells), Cell(*state["crossed"]))
