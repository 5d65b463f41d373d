"""Calls that wait to be folded, bounded: the caller pays for an append.

The bound is in rows, and wide rows count for several, so that it is one in bytes. Over it a uniform
sample is kept (reservoir sampling of calls), and what was shed is counted.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Inference, Labels
from otelml.recording.columns import sample
from otelml.recording.raw import Held, Raw, Reading

_WIDTH: Final = 8
"""Numbers in a row of the bound; a wider row counts for several."""


class Buffer:
    """Calls that ended and are still to be folded.

    `on_full` is called, on the caller's thread, when `most` rows wait, which is half of the
    `bound`: it should wake whoever folds. No call keeps more than `most` rows.
    """

    def __init__(self, bound: int, on_full: Callable[[], None]) -> None:
        self.most = max(bound // 2, 1)
        self._on_full = on_full
        self._random = random.Random(0)  # noqa: S311 - sampling, not secrets
        self.forget()

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._lock = threading.Lock()  # held for an append
        self._dropped: Counter[str] = Counter()
        self._empty()

    def _empty(self) -> None:
        self._calls: list[Inference] = []
        self._raw: dict[Reading, Held] = {}
        self._sampled: list[int | Reading] = []  # a call that has its columns: where in `_calls`
        self._held = 0.0  # in rows
        self._bare = 0  # calls without columns, which take room until they are folded, too

    def put(self, inference: Inference) -> None:
        """Keep a call that ended; its columns may be a sample of its rows."""
        columns, rows = inference.columns, inference.rows
        weight = _weight(columns)
        if weight > self.most:
            inference = _thinned(inference, self.most / weight)
            columns = inference.columns
            weight = _weight(columns)
        kept = _rows(columns) if columns else rows
        with self._lock:
            if kept < rows:
                self._dropped["buffer_full"] += rows - kept
            if inference.unread or any(isinstance(c, Block) and not c.names for c in columns):
                self._dropped["not_readable"] += rows
            if columns:
                self._sampled.append(len(self._calls))
                self._held += weight
            else:
                self._bare += 1
            self._calls.append(inference)
            if self._held + self._bare > self.most:
                self._relieve()

    def take(self, reading: Reading, call: Raw) -> None:
        """Keep a call that ended and is still to be read; it must not outweigh `most`."""
        with self._lock:
            try:
                self._raw[reading][1].append(call)  # to ask a tuple by name costs thrice as much
            except KeyError:
                self._raw[reading] = Held(reading, [call], [])
            self._sampled.append(reading)
            self._held += reading.weight
            if self._held > self.most:
                self._relieve()

    def _relieve(self) -> None:
        while self._held > 2 * self.most:
            self._shed()
        self._on_full()

    def _shed(self) -> None:
        """Make room: one call, at random, keeps its counts and loses its columns."""
        place = self._random.randrange(len(self._sampled))
        chosen, self._sampled[place] = self._sampled[place], self._sampled[-1]
        self._sampled.pop()
        if isinstance(chosen, int):
            call = self._calls[chosen]
            self._calls[chosen] = call._replace(columns=())
            self._held -= _weight(call.columns)
            self._dropped["buffer_full"] += _rows(call.columns)
        else:
            _, calls, bare = self._raw[chosen]
            place = self._random.randrange(len(calls))
            calls[place], calls[-1] = calls[-1], calls[place]
            bare.append(calls.pop()[0])
            self._held -= chosen.weight
            self._dropped["buffer_full"] += chosen.rows

    def drop(self, reason: str, rows: int) -> None:
        """Count rows that were left out."""
        with self._lock:
            self._dropped[reason] += rows

    def calls(self) -> tuple[list[Inference], list[Held]]:
        """What waited: calls that were read, and those that are still to be."""
        with self._lock:
            calls, raw = self._calls, [*self._raw.values()]
            self._empty()
        return calls, raw

    def dropped(self) -> Counter[str]:
        """How many rows were left out since this was last asked, by reason."""
        with self._lock:
            dropped, self._dropped = self._dropped, Counter()
        return dropped


def _weight(columns: tuple[Block | Labels, ...]) -> float:
    """How much of the buffer columns take, in rows of eight numbers or less."""
    if not columns:
        return 0.0
    values = sum(c.values.size if isinstance(c, Block) else _numbers(c) for c in columns)
    return max(_rows(columns), values / _WIDTH, 1.0)


def _rows(columns: tuple[Block | Labels, ...]) -> int:
    """How many rows columns have; one that could not be read may not know."""
    return max(len(column.values) for column in columns)


def _numbers(labels: Labels) -> float:
    """In how many numbers' room labels fit: a text has four besides its characters."""
    return 4 * len(labels.values) + sum(map(len, filter(None, labels.values))) / 8


def _thinned(inference: Inference, share: float) -> Inference:
    """The same call with a uniform sample of its rows in its columns."""
    rows = _rows(inference.columns)
    chosen = sample(rows, max(int(rows * share), 1))
    origin = inference.origin
    if origin is not None:
        kept = chosen if origin.rows is None else origin.rows[chosen]
        inference = inference._replace(origin=origin._replace(rows=kept))
    return inference._replace(columns=tuple(rows_of(c, chosen) for c in inference.columns))


def rows_of(column: Block | Labels, chosen: npt.NDArray[np.intp]) -> Block | Labels:
    """The chosen rows of a column, as far as it has them."""
    if isinstance(column, Labels):
        values = column.values
        return column._replace(values=tuple(values[i] for i in chosen if i < len(values)))
    return column._replace(values=column.values[chosen[chosen < len(column.values)]])
