"""Calls in, predictions out: a row each, with its id, for the labels that come later.

What is held is bounded: over the bound the oldest rows leave, and are counted.
"""

import random
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from otelml.data import Block, Inference, Labels, Model, Origin, Prediction, Role
from otelml.recording.columns import labels
from otelml.wire.rows import row_id

_Column = tuple[str | None, ...]


class Rows:
    """Predicted rows of a process until they are taken; not safe for threads by itself."""

    def __init__(self, most: int, segments: frozenset[str] = frozenset()) -> None:
        self._segments = segments
        self._held: deque[tuple[Model, Prediction]] = deque(maxlen=most)
        self.dropped = 0

    def add(self, call: Inference) -> None:
        """Keep the rows of a call that has an origin."""
        if call.origin is None or call.error_type is not None:
            return
        for prediction in _predictions(call, call.origin, self._segments):
            self.dropped += len(self._held) == self._held.maxlen
            self._held.append((call.model, prediction))

    def take(self) -> tuple[deque[tuple[Model, Prediction]], int]:
        """What is held, and how many rows were dropped; then nothing is."""
        held, dropped = self._held, self.dropped
        self._held, self.dropped = deque(maxlen=held.maxlen), 0
        return held, dropped


def _predictions(call: Inference, origin: Origin, chosen: frozenset[str]) -> Iterator[Prediction]:
    """The rows of a call whose outputs could be read; those of its only, or first, output."""
    classes: _Column = ()
    values: list[float] = []
    scored: list[tuple[str, list[float]]] = []
    segments: dict[str, _Column] = {}
    for column in call.columns:
        if isinstance(column, Labels):
            if column.role is Role.PREDICTION and not column.name:
                classes = column.values
            elif column.role is Role.FEATURE and column.name in chosen:
                segments[column.name] = column.values
        elif column.role is Role.PREDICTION and column.names == ("",):
            values = column.values[:, 0].tolist()
        elif column.role is Role.SCORE and column.names == ("",):
            scored.append((_scored(column), column.values[:, 0].tolist()))
        elif column.role is Role.FEATURE:
            segments.update(_numbers(column, chosen))
    size = max(len(classes), len(values), *(len(scores) for _, scores in scored), 0)
    trace = f"{origin.trace_id:032x}" if origin.trace_id else ""
    span = f"{origin.span_id:016x}" if origin.span_id else ""
    unknown = span or f"{random.getrandbits(64):016x}"
    rows = range(size) if origin.rows is None else origin.rows.tolist()
    for i, row in zip(range(size), rows, strict=False):
        yield Prediction(
            _id(origin, row, call.rows, unknown),
            origin.time,
            classes[i] if classes else None,
            values[i] if values else None,
            tuple((name, scores[i]) for name, scores in scored),
            None,
            tuple((name, str(v[i])) for name, v in segments.items() if v[i] is not None),
            trace,
            span,
        )


def _id(origin: Origin, row: int, rows: int, unknown: str) -> str:
    if len(origin.ids) == rows:
        return origin.ids[row]
    return row_id(origin.ids[0] if origin.ids else unknown, row)


def _scored(block: Block) -> str:
    """The class that scores are of; empty if it is not known."""
    if block.labels:
        return block.labels[0][1]
    return "" if block.positive is None else str(labels([block.positive])[0])


def _numbers(block: Block, chosen: frozenset[str]) -> Mapping[str, _Column]:
    if not chosen.intersection(block.names):
        return {}
    return {
        name: tuple(None if v != v else f"{v:g}" for v in column.tolist())  # noqa: PLR0124 - NaN
        for name, column in zip(block.names, np.transpose(block.values), strict=True)
        if name in chosen
    }


BOUND: Final = 65_536
"""Rows held between two drains."""
