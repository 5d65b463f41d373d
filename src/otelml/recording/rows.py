"""Calls in, predictions out: a row each, with its id, for the labels that come later."""

import logging
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Labels, Model, Origin, Prediction, Role
from otelml.recording.columns import labels
from otelml.wire.rows import row_id

AT_ONCE: Final = 4096
"""Rows that are held before they are sent."""

_new = tuple.__new__  # a NamedTuple's own constructor costs thrice as much
_random = random.SystemRandom()  # the app's own numbers stay as they are, and forks do not agree
_logger = logging.getLogger("otelml")
_Column = tuple[str | None, ...]


class Call(NamedTuple):
    """One of the calls whose rows lie one below the other in columns."""

    origin: Origin | None
    rows: int


class Predicted(NamedTuple):
    """A row, and its features if it is one of the sample that shows them."""

    model: Model
    prediction: Prediction
    inputs: Mapping[str, str | float] | None = None


class Rows:
    """Predicted rows on their way out, some thousands at a time; the caller sees to threads.

    `send` takes rows and says how many it left out; `wanted` whether it is worth it. `segments`
    are columns that go with every row, `inputs` is the share of rows whose features go, too.
    """

    def __init__(
        self,
        send: Callable[[list[Predicted]], int] = len,
        wanted: Callable[[], bool] = lambda: True,
        segments: frozenset[str] = frozenset(),
        inputs: float = 0.0,
    ) -> None:
        self._send, self._wanted = send, wanted
        self._segments, self._inputs = segments, inputs
        self._held: list[Predicted] = []
        self.dropped = 0

    def add(self, model: Model, columns: Iterable[Block | Labels], calls: Iterable[Call]) -> None:
        """Keep the rows of calls that have an origin; those of a model's only, or first, output."""
        if not self._wanted():
            return
        known = [*calls]
        try:
            self._add(model, tuple(columns), known)
        except Exception:  # what cannot be told row by row is still counted in the sketches
            self.dropped += sum(call.rows for call in known)
            _logger.exception("otelml could not tell predicted rows apart, and left them out")

    def _add(
        self, model: Model, columns: tuple[Block | Labels, ...], calls: Sequence[Call]
    ) -> None:
        table = _Table(columns, self._segments)
        at = 0
        for origin, rows in calls:
            held = rows if origin is None or origin.rows is None else len(origin.rows)
            if origin is not None and at < table.size:
                for place, row in enumerate(table.predictions(origin, rows, at, at + held), at):
                    shown = self._inputs > 0 and _random.random() < self._inputs
                    inputs = features_of(columns, place) if shown else None
                    self._held.append(_new(Predicted, (model, row, inputs)))
                    if len(self._held) >= AT_ONCE:
                        self.send()
            at += held

    def send(self) -> None:
        """Send what is held."""
        held, self._held = self._held, []
        if held:
            self.dropped += self._send(held)

    def forget(self) -> None:
        """Start empty."""
        self._held, self.dropped = [], 0


class _Table:
    """What the columns of calls say of each row."""

    def __init__(self, columns: Iterable[Block | Labels], chosen: frozenset[str]) -> None:
        self._classes: _Column = ()
        self._values: list[float] = []
        self._scored: list[tuple[str, list[float]]] = []
        self._segments: dict[str, _Column] = {}
        for column in columns:
            if column.role is Role.FEATURE:
                self._segments.update(segments(column, chosen))
            elif isinstance(column, Labels):
                if column.role is Role.PREDICTION and not column.name:
                    self._classes = column.values
            elif column.names != ("",):
                continue
            elif column.role is Role.PREDICTION:
                self._values = column.values[:, 0].tolist()
            elif column.role is Role.SCORE:
                self._scored.append((_class(column), column.values[:, 0].tolist()))
        lists = [scores for _, scores in self._scored]
        self.size = max(len(self._classes), len(self._values), *map(len, lists), 0)
        names = [name for name, _ in self._scored]
        self._scores = [tuple(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]

    def predictions(self, origin: Origin, rows: int, start: int, end: int) -> Iterator[Prediction]:
        """The rows from `start` to `end`, which are those of a call of so many rows."""
        time, trace_id, span_id, ids, chosen, intervals = origin
        trace = f"{trace_id:032x}" if trace_id else ""
        span = f"{span_id:016x}" if span_id else ""
        named = len(ids) == rows
        call = ids[0] if ids else span or os.urandom(8).hex()
        classes, values, scores = self._classes, self._values, self._scores
        end = min(end, self.size)
        numbers = range(end - start) if chosen is None else chosen.tolist()
        for i, row in zip(range(start, end), numbers, strict=False):
            yield _new(
                Prediction,
                (
                    ids[row] if named else row_id(call, row),
                    time,
                    classes[i] if classes else None,
                    values[i] if values else None,
                    scores[i] if scores else (),
                    None if intervals is None else _interval(intervals, row),
                    _of_row(self._segments, i) if self._segments else (),
                    trace,
                    span,
                ),
            )


def features_of(columns: Iterable[Block | Labels], row: int) -> dict[str, str | float]:
    """The features of one row, without those that are missing."""
    told: dict[str, str | float] = {}
    for column in columns:
        if column.role is not Role.FEATURE or row >= len(column.values):
            continue
        if isinstance(column, Labels):
            told[column.name] = column.values[row] or ""
        else:
            told |= zip(column.names, column.values[row].tolist(), strict=True)
    return {name: value for name, value in told.items() if value == value and value != ""}  # noqa: PLR0124


def _interval(intervals: npt.NDArray[np.float64], row: int) -> tuple[float, float] | None:
    if row >= len(intervals):
        return None
    low, high = intervals[row].tolist()
    return (low, high) if low <= high else None


def _of_row(segments: Mapping[str, _Column], row: int) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(v[row])) for name, v in segments.items() if v[row] is not None)


def _class(block: Block) -> str:
    """The class that scores are of; empty if it is not known."""
    if block.labels:
        return block.labels[0][1]
    return "" if block.positive is None else str(labels([block.positive])[0])


def segments(column: Block | Labels, chosen: frozenset[str]) -> Iterator[tuple[str, _Column]]:
    """Those of the chosen columns that are in this one, if it holds features, as text."""
    if column.role is not Role.FEATURE:
        return
    if isinstance(column, Labels):
        if column.name in chosen:
            yield column.name, column.values
    elif chosen.intersection(column.names):
        for name, values in zip(column.names, column.values.T.tolist(), strict=True):
            if name in chosen:
                yield name, tuple(None if v != v else numeral(v) for v in values)  # noqa: PLR0124


def numeral(value: float) -> str:
    """A number that rows are cut by, as text: a whole one in full, any other to six digits.

    So a number of 32 bits reads the same as one of 64.

    >>> numeral(1_000_003.0), numeral(0.30000001192092896), numeral(-0.0)
    ('1000003', '0.3', '0')
    """
    return f"{value + 0.0:.17g}" if value.is_integer() else f"{value:g}"
