"""Columns of a window beside their baselines, in the families in which they are judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.data import Key, Role, Sketch, Window
from otelml.monitor.comparison import Comparison
from otelml.sketch.categories import Categories
from otelml.sketch.kind import as_kind

Column: TypeAlias = tuple[Key, Sketch, Sketch]
"""A key, and its sketches in the baseline and in the window."""

Places: TypeAlias = npt.NDArray[np.intp]

FEATURES: Final = frozenset({Role.FEATURE})
OTHERS: Final = frozenset({Role.PREDICTION, Role.SCORE, Role.CONFIDENCE, Role.TARGET})


class Part(NamedTuple):
    """The columns of a family that are numbers, or those that are categories.

    `places` are those of all in the family, `enough` of the ones that have rows enough to compare.
    """

    places: Places
    enough: Places
    columns: Comparison

    @property
    def filled(self) -> tuple[Places, Comparison]:
        """Of the ones with rows enough, those that have values on both sides."""
        places, columns = self.columns.filled
        return self.enough[places], columns


@dataclass(frozen=True, slots=True)
class Family:
    """Columns whose p-values are adjusted together; `rows` are the window's and the baseline's."""

    keys: list[Key]
    rows: list[tuple[int, int]]
    numbers: Part
    categories: Part

    @classmethod
    def of(cls, columns: Sequence[Column], fewest: int) -> Self:
        """Some columns; those with `fewest` rows in the window are compared."""
        rows = [(_rows(now), _rows(before)) for _, before, now in columns]
        kinds: tuple[list[int], list[int]] = [], []
        for place, (_, before, _) in enumerate(columns):
            kinds[isinstance(before, Categories)].append(place)
        parts = []
        for places in kinds:
            enough = [i for i in places if rows[i][0] >= fewest and rows[i][1] > 1]
            sides = ([columns[i][side] for i in enough] for side in (1, 2))
            parts.append(Part(_array(places), _array(enough), Comparison(*sides)))
        return cls([key for key, _, _ in columns], rows, *parts)


def families(baseline: Window, window: Window, fewest: int) -> list[Family]:
    """The features that both windows have; and their predictions, scores and the like."""
    features: list[Column] = []
    others: list[Column] = []
    for key, now in window.sketches.items():
        before = baseline.sketches.get(key) if key.role in OTHERS or _is_feature(key) else None
        if before is None:
            continue
        pair = _alike(before, now)
        if isinstance(pair[0], Categories) == isinstance(pair[1], Categories):
            (features if _is_feature(key) else others).append((key, *pair))
        elif _is_feature(key) and isinstance(now, Categories):
            # Text where numbers were; numbers where categories were may be codes of them.
            features.append((key, before, as_kind(now, type(before))))
    return [Family.of(columns, fewest) for columns in (features, others) if columns]


def _alike(before: Sketch, now: Sketch) -> tuple[Sketch, Sketch]:
    """Both; one without any values, of which the wire does not tell the kind, as the other's."""
    if not getattr(now, "count", 1):
        return before, as_kind(now, type(before))
    if not getattr(before, "count", 1):
        return as_kind(before, type(now)), now
    return before, now


def _is_feature(key: Key) -> bool:
    return key.role is Role.FEATURE


def _rows(sketch: Sketch) -> int:
    return int(getattr(sketch, "observations", 0))


def _array(places: list[int]) -> Places:
    return np.array(places, np.intp)
