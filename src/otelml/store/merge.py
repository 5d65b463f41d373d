"""What deliveries change in what is kept of their ids: matches, corrections, repetitions.

A prediction is what came first of it, completed by what came later. A truth is the latest by its
own time, and of two of the same time the one that came later. So a delivery that comes again, or
late, changes nothing. A truth of one model and one of any model, of the same id, are two: the
former counts for its model's predictions. Each lies beside all predictions that it counts for, or
it waits.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from otelml.data import Owner, Prediction, Truth
from otelml.store.schema import Content, Known, Row

_SECOND: Final = 1_000_000_000
LAST: Final = 1 << 62
"""The latest time that is kept; the end of its window still fits a database's integers."""


class State(StrEnum):
    """What became of a label."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    """It waits for its prediction."""
    DUPLICATE = "duplicate"
    """It says what is known, or is older than what is known: nothing changes."""
    CORRECTED = "corrected"
    """It replaces what was known."""


class Accepted(NamedTuple):
    """What became of a delivery.

    `states` has one of each label given, in order. `released` counts labels of before that one of
    the predictions given was waited for by. `delays` are seconds from prediction to label, one of
    each pair newly matched. `repeated` counts predictions that were known and told nothing new.
    """

    states: tuple[State, ...]
    released: int
    delays: tuple[tuple[Owner, float], ...]
    repeated: int

    def count(self, state: State) -> int:
        """Labels that came to a state by this delivery."""
        released = self.released if state is State.MATCHED else 0
        return self.states.count(state) + released


class Waiting(NamedTuple):
    """A label without a prediction, and when it came."""

    since: int
    known: Known


Labels: TypeAlias = dict[tuple[str, str], Waiting]
"""Labels that wait, by id and model."""


class Merge:
    """What is kept of some ids, and what becomes of it; `length` of windows is in nanoseconds."""

    def __init__(
        self,
        rows: Iterable[Row],
        labels: Labels,
        owners: Mapping[int, Owner],
        length: int,
    ) -> None:
        self._rows: dict[str, dict[int, Row]] = {}
        for row in rows:
            self._rows.setdefault(row.id, {})[row.owner] = row
        self._kept, self._labels = labels, dict(labels)
        self._owners, self._length = owners, length
        self.windows: dict[tuple[int, int], list[int]] = {}
        """Predictions and labelled ones that came to a window, by owner and start."""
        self.new: list[Row] = []

    def accept(
        self, predictions: Iterable[tuple[int, Prediction]], truths: Iterable[Truth], now: int
    ) -> Accepted:
        """Merge one delivery; predictions come with the number of their owner."""
        delays: list[tuple[Owner, float]] = []
        released = repeated = 0
        for owner, prediction in predictions:
            name = text(prediction.id)
            siblings = self._rows.setdefault(name, {})
            row = siblings.get(owner)
            if row is not None:
                repeated += not self._complete(row, _content(prediction))
                continue
            known = self._said(name, self._model(owner)) or self._said(name, "")
            if known is not None and self._labels.pop((name, known.model), None) is not None:
                released += 1
            row = Row(None, name, owner, _time(prediction.time), _content(prediction), None)
            siblings[owner] = row
            self.new.append(row)
            self._change(row, predictions=1)
            if known is not None:
                delays.append(self._match(row, known))
        states = tuple(self._label(truth, now, delays) for truth in truths)
        return Accepted(states, released, tuple(delays), repeated)

    def changed(self) -> Iterator[Row]:
        """Rows that are not new but changed."""
        for siblings in self._rows.values():
            for row in siblings.values():
                if row.row is not None and (row.filled or row.labelled):
                    yield row

    def labels(self) -> tuple[list[tuple[str, str]], Labels]:
        """Labels that wait no more or otherwise, and what waits anew in their place."""
        gone = [key for key, had in self._kept.items() if self._labels.get(key) != had]
        return gone, {k: w for k, w in self._labels.items() if self._kept.get(k) != w}

    def _complete(self, row: Row, content: Content) -> bool:
        full = row.content.completed(content)
        if full == row.content:
            return False
        row.content, row.filled = full, True
        self._change(row)
        return True

    def _label(self, truth: Truth, now: int, delays: list[tuple[Owner, float]]) -> State:
        name, new = text(truth.id), _known(truth)
        known = self._said(name, new.model)
        if known is not None and (new[1:] == known[1:] or new.time < known.time):
            if new.time > known.time:
                self._confirm(name, new)
            return State.DUPLICATE
        met = [row for row in self._rows.get(name, {}).values() if self._counts_for(new, row)]
        if not met:
            self._labels[name, new.model] = Waiting(now, new)
            return State.UNMATCHED if known is None else State.CORRECTED
        before = met[0].known
        matched = [self._match(row, new) for row in met]
        if before is not None and self._said(name, before.model) is None:
            self._labels[name, before.model] = Waiting(now, before)  # for what is yet to come
        if known is not None:
            return State.CORRECTED
        delays += matched
        return State.MATCHED

    def _model(self, owner: int) -> str:
        return text(self._owners[owner].model)

    def _said(self, name: str, model: str) -> Known | None:
        """What is known under an id of one model, or of any."""
        for row in self._rows.get(name, {}).values():
            if row.known is not None and row.known.model == model:
                return row.known
        waiting = self._labels.get((name, model))
        return None if waiting is None else waiting.known

    def _counts_for(self, new: Known, row: Row) -> bool:
        if new.model:
            return new.model == self._model(row.owner)
        return row.known is None or not row.known.model

    def _confirm(self, name: str, known: Known) -> None:
        """Note the later time of what is known: what comes late from before it is older."""
        for row in self._rows.get(name, {}).values():
            if row.known is not None and row.known.model == known.model:
                row.known, row.labelled = known, True
        key = name, known.model
        if key in self._labels:
            self._labels[key] = self._labels[key]._replace(known=known)

    def _match(self, row: Row, known: Known) -> tuple[Owner, float]:
        self._change(row, labelled=row.known is None)
        row.known, row.labelled = known, True
        return self._owners[row.owner], (known.time - row.time) / _SECOND

    def _change(self, row: Row, predictions: int = 0, labelled: int = 0) -> None:
        start = row.time // self._length * self._length
        counts = self.windows.setdefault((row.owner, start), [0, 0])
        counts[0] += predictions
        counts[1] += labelled


def text(given: str) -> str:
    r"""A string as every database can keep it: without NUL and lone surrogates.

    >>> ascii(text("a\0b"))
    "'a\\ufffdb'"
    """
    if given.isprintable():  # the common case, without a detour
        return given
    return given.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _content(prediction: Prediction) -> Content:
    label, value, scores, interval, segments = prediction[2:7]
    low, high = interval or (None, None)
    one = len(scores) == 1
    return Content(
        None if label is None else text(label),
        _number(value),
        text(scores[0][0]) if one else None,
        _number(scores[0][1]) if one else None,
        _json(scores) if len(scores) > 1 else None,
        _number(low),
        _number(high),
        _segments(segments) if segments else None,
    )


def _known(truth: Truth) -> Known:
    label = None if truth.label is None else text(truth.label)
    model = "" if truth.model is None else text(truth.model)
    return Known(_time(truth.time), label, _number(truth.value), _number(truth.weight), model)


def _time(nanos: int) -> int:
    return min(max(nanos, 0), LAST)


def _number(value: float | None) -> float | None:
    """A number as every database gives it back: SQLite makes NaN null."""
    return None if value is None or math.isnan(value) else float(value)


def _json(pairs: Iterable[tuple[str, float | str]]) -> str:
    return json.dumps(dict(pairs), separators=(",", ":"))


_segments = lru_cache(4096)(_json)
"""They repeat from row to row."""
