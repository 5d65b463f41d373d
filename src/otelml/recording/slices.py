"""The rows of calls by slice: what `OTELML_SLICE_COLUMNS` names cuts the other columns of a call.

It happens when calls are folded. A model's slices are bounded: of those that come up for the first
time, the ones with the most rows have the room that is left.
"""

from collections import defaultdict
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Labels, Model, segment
from otelml.recording.rows import segments
from otelml.recording.sketches import Gathered, Sketches

MOST: Final = 50
"""Slices of a model."""

_Columns: TypeAlias = tuple[Block | Labels, ...]
_Segment: TypeAlias = tuple[tuple[str, str], ...]


class Slices:
    """What calls hold of each slice until it is folded; a row without a value is in none."""

    def __init__(self, columns: frozenset[str]) -> None:
        self._columns = columns
        self.forget()

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._known: defaultdict[Model, set[_Segment]] = defaultdict(set)
        self._clear()

    def _clear(self) -> None:
        self._rows: defaultdict[tuple[Model, _Segment], int] = defaultdict(int)
        self._parts: defaultdict[tuple[Model, _Segment], list[_Columns]] = defaultdict(list)

    def add(self, model: Model, columns: _Columns) -> None:
        """Cut the columns of a call, or of several one below the other."""
        if not self._columns:
            return
        for column in columns:
            for name, values in segments(column, self._columns):
                beside = tuple(
                    other
                    for other in columns
                    if len(other.values) == len(values)
                    and (other is not column or isinstance(other, Block))
                )
                places: defaultdict[str, list[int]] = defaultdict(list)
                for row, value in enumerate(values):
                    if value is not None:
                        places[value].append(row)
                for value, rows in places.items():
                    where = model, segment(name, value)
                    all_of_them = len(rows) == len(values)
                    self._rows[where] += len(rows)
                    self._parts[where].append(beside if all_of_them else _taken(beside, rows))

    def fold(self, sketches: Sketches) -> int:
        """Fold what was added into sketches of its own; how many rows had no room."""
        left_out = 0
        for where in sorted(self._parts, key=lambda where: -self._rows[where]):
            model, of = where
            known = self._known[sketches.known(model)]
            if of not in known and len(known) >= MOST:
                left_out += self._rows[where]
                continue
            known.add(of)
            gathered = Gathered()
            for columns in self._parts[where]:
                gathered.add(model, columns)
            sketches.fold(gathered, of)
        self._clear()
        return left_out


def _taken(columns: _Columns, rows: list[int]) -> _Columns:
    """The same of some rows; which of them had mismatched values nobody knows."""
    places: npt.NDArray[np.intp] = np.array(rows, np.intp)
    return tuple(
        column._replace(values=tuple(column.values[row] for row in rows))
        if isinstance(column, Labels)
        else column._replace(values=column.values[places], mismatched=None)
        for column in columns
    )
