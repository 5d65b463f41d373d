"""Inferences in, series out: buffered when recorded, folded in numpy when drained.

The caller pays for an append. What is buffered is bounded in rows, and wide rows count for several,
so that it is bounded in bytes; over the bound a uniform sample is kept (reservoir sampling of
calls) and what was shed is counted.
"""

import random
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from otelml import names
from otelml.data import Block, Inference, Key, Labels, Model, Role, Series, Sketch
from otelml.recording.columns import sample
from otelml.recording.raw import Raw, read
from otelml.recording.rows import Call, Rows
from otelml.recording.settings import Settings
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.matrix import Matrix
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

_WIDTH: Final = 8
"""Numbers in a row of the buffer's bound; a wider row counts for several."""

_Names = tuple[str, ...]
_Labels = tuple[tuple[str, str], ...]
_Group = tuple[Model, Role, _Names, _Labels]


class Recorder:
    """Collects the inferences of a process.

    `on_full` is called, on the caller's thread, when half of the bound is reached: it should wake
    whoever drains. `most` is that half: no call keeps more rows. `rows` takes predicted rows.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Callable[[], int] = time.time_ns,
        on_full: Callable[[], None] = lambda: None,
        rows: Rows | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.rows = rows or Rows()
        self._clock, self._on_full = clock, on_full
        self._lock = threading.Lock()  # held for an append
        self._folding = threading.RLock()  # held for a fold
        self._matrices: dict[_Group, Matrix] = {}
        self._kinds: dict[Key, type[Sketch]] = {}  # a column stays what it was first
        self._random = random.Random(0)  # noqa: S311 - sampling, not secrets
        self._since = clock()
        self.most = max(self.settings.max_buffered_rows // 2, 1)
        self._clear()

    def _clear(self) -> None:
        self._calls: list[Inference | Raw] = []
        self._sampled: list[int] = []  # where in `_calls` those are that have their columns
        self._held = 0.0  # in rows
        self._dropped: Counter[str] = Counter()
        self._started: deque[tuple[Model, str, str]] = deque()
        self._active: dict[tuple[Model, str, str], int] = defaultdict(int)
        self._sketches: dict[Key, Sketch] = {}

    def start(self, model: Model, operation: str, system: str) -> None:
        """Count a call that began."""
        self._started.append((model, operation, system))  # one step: it needs no lock

    def end(self, inference: Inference) -> None:
        """Record a call that ended; its columns may be a sample of its rows."""
        columns, rows = inference.columns, inference.rows
        weight = _weight(columns)
        if weight > self.most:
            inference = _thinned(inference, self.most / weight)
            columns = inference.columns
            weight = _weight(columns)
        kept = len(columns[0].values) if columns else rows
        with self._lock:
            if kept < rows:
                self._dropped["buffer_full"] += rows - kept
            if inference.unread:
                self._dropped["not_readable"] += rows
            if columns:
                self._sampled.append(len(self._calls))
                self._held += weight
            self._calls.append(inference)
            if self._held > self.most:
                self._relieve()

    def take(self, call: Raw) -> None:
        """Record a call that ended and is still to be read; it must not outweigh `most`."""
        with self._lock:
            self._sampled.append(len(self._calls))
            self._calls.append(call)
            self._held += call.reading.weight
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
        call = self._calls[chosen]
        if isinstance(call, Raw):
            self._calls[chosen] = call._replace(data=None, result=b"")
            self._held -= call.reading.weight
            self._dropped["buffer_full"] += call.rows
        else:
            self._calls[chosen] = call._replace(columns=())
            self._held -= _weight(call.columns)
            self._dropped["buffer_full"] += len(call.columns[0].values)

    def load(self, model: Model, system: str, seconds: float, error_type: str | None) -> None:
        """Record that a model was loaded."""
        labels = {names.SYSTEM: system} | ({names.ERROR_TYPE: error_type} if error_type else {})
        key = Key(model, Role.LOAD_DURATION, "", tuple(sorted(labels.items())))
        with self._folding:
            self._add(key, Numeric.of([seconds]))

    def asked(
        self, model: Model, operation: str, system: str, seconds: float, error_type: str | None
    ) -> None:
        """Record that a model server was asked."""
        labels = {names.SYSTEM: system} | ({names.ERROR_TYPE: error_type} if error_type else {})
        key = Key(model, Role.CLIENT_DURATION, operation, tuple(sorted(labels.items())))
        with self._folding:
            self._add(key, Numeric.of([seconds]))

    def compared(self, challenger: Model, champion: Model, rows: int, *, agreed: bool) -> None:
        """Record how many rows two models agreed on, or did not."""
        labels = (
            (names.SHADOW_AGREED, str(agreed).lower()),
            (names.SHADOW_CHAMPION, champion.name),
        )
        with self._folding:
            self._add(Key(challenger, Role.AGREEMENT, "", labels), Count(rows))

    def fold(self) -> None:
        """Fold what is buffered into sketches."""
        with self._folding:
            with self._lock:
                calls, self._calls, self._sampled, self._held = self._calls, [], [], 0.0
            self._fold(calls)

    def _fold(self, calls: list[Inference | Raw]) -> None:
        # What looks alike is first told apart by identity, which is cheap: the calls keep it alive.
        alike: dict[tuple[int, str, str, str | None], list[Inference]] = {}
        raw: dict[int, list[Raw]] = {}
        gathered = _Gathered()
        for call in calls:
            if isinstance(call, Raw):
                try:
                    raw[id(call.reading)].append(call)
                except KeyError:
                    raw[id(call.reading)] = [call]
                continue
            where = id(call.model), call.operation, call.system, call.error_type
            alike.setdefault(where, []).append(call)
            gathered.add(call.model, call.columns)
            if call.error_type is None:
                self.rows.add(call.model, call.columns, [Call(call.origin, call.rows)])
        kinds: dict[Any, list[Raw]] = defaultdict(list)
        for of_one in raw.values():
            kinds[of_one[0].reading.kind] += of_one
        started = [self._started.popleft() for _ in range(len(self._started))]
        for key, number in Counter(started).items():
            self._active[key] += number
        for group in alike.values():
            first = group[0]
            about = first.model, first.operation, first.system
            self._fold_calls(about, first.error_type, group)
        self._fold_columns(gathered)
        models: dict[Model, list[list[Raw]]] = defaultdict(list)
        for of_kind in kinds.values():
            models[of_kind[0].reading.model].append(of_kind)
        for model, held in models.items():  # one at a time: what is read takes room
            gathered = _Gathered()
            for of_kind in held:
                about = model, of_kind[0].reading.operation, of_kind[0].reading.system
                self._fold_calls(about, None, of_kind)
                for columns, unread, calls_ in read(of_kind):
                    gathered.add(model, columns)
                    self.rows.add(model, columns, [Call(c.origin, c.rows) for c in calls_])
                    if unread:
                        with self._lock:
                            self._dropped["not_readable"] += unread
            self._fold_columns(gathered)

    def _fold_columns(self, gathered: "_Gathered") -> None:
        for (number, role, name), parts in gathered.texts.items():
            values = [value for part in parts for value in part.values]
            self._add(Key(gathered.models[number], role, name), Categories.of(values))
        groups: dict[_Group, list[Block]] = defaultdict(list)
        for (number, role, _, labels), blocks in gathered.blocks.items():
            groups[gathered.models[number], role, blocks[0].names, labels] += blocks
        for columns_alike, blocks in groups.items():
            self._fold_blocks(columns_alike, blocks)

    def _fold_calls(
        self, about: tuple[Model, str, str], error: str | None, calls: Sequence[Inference | Raw]
    ) -> None:
        """Fold calls of one model, operation, system and outcome."""
        model, operation, system = about
        self._active[about] -= len(calls)
        served = ((names.SYSTEM, system),)
        failed = ((names.ERROR_TYPE, error),) if error else ()
        duration = Key(model, Role.DURATION, operation, failed + served)
        self._add(duration, Numeric.of([call.seconds for call in calls]))
        if not failed:
            sizes = [call.rows for call in calls]
            self._add(Key(model, Role.BATCH_SIZE, operation, served), Numeric.of(sizes))
            self._add(Key(model, Role.PREDICTIONS, operation, served), Count(sum(sizes)))

    def _fold_blocks(self, group: _Group, blocks: list[Block]) -> None:
        model, role, columns, labels = group
        values = np.concatenate([block.values for block in blocks])
        keys = [Key(model, role, name, labels) for name in columns]
        if role in (Role.SCORE, Role.CONFIDENCE):
            for key, column in zip(keys, values.T, strict=True):
                self._add(key, Probability.of(column))
            return
        matrix = self._matrices.setdefault(group, Matrix(len(columns)))
        matrix.update(values)
        bad: Counter[str] = Counter()
        for block in blocks:
            if block.mismatched:
                bad.update(block.mismatched)
        for key, sketch in zip(keys, matrix.take(), strict=True):
            self._add(key, sketch.with_mismatched(bad[key.name]))

    def _add(self, key: Key, sketch: Sketch) -> None:
        kind = self._kinds.setdefault(key, type(sketch))
        if type(sketch) is not kind:
            sketch = _of_another_kind(kind, sketch)
        held = self._sketches.get(key)
        self._sketches[key] = sketch if held is None else held.merge(sketch)  # type: ignore[arg-type]

    def send(self) -> None:
        """Fold what is buffered, and send the predicted rows; their metrics wait to be drained."""
        with self._folding:
            self.fold()
            self.rows.send()

    def drain(self) -> list[Series]:
        """What was recorded since the last drain."""
        with self._folding:
            self.send()
            sketches, self._sketches = self._sketches, {}
            since, self._since = self._since, self._clock()
            now = self._since
            active, self._active = self._active, defaultdict(int)
        with self._lock:
            dropped, self._dropped = self._dropped, Counter()
            if self.rows.dropped:
                dropped["records_full"] += self.rows.dropped
                self.rows.dropped = 0
        series = [Series(key, since, now, sketch) for key, sketch in sketches.items()]
        for (model, operation, system), number in active.items():
            key = Key(model, Role.ACTIVE, operation, ((names.SYSTEM, system),))
            series.append(Series(key, since, now, Count(number)))
        for reason, rows in dropped.items():
            key = Key(Model(""), Role.DROPPED, "", ((names.ERROR_TYPE, reason),))
            series.append(Series(key, since, now, Count(rows)))
        return series

    def forget(self) -> None:
        """Start empty, as a child must after a fork: what was recorded is the parent's."""
        self._lock, self._folding = threading.Lock(), threading.RLock()
        self._matrices = {}
        self._since = self._clock()
        self.rows.forget()
        self._clear()


class _Gathered:
    """Columns of calls, put together by what they are of; models are told apart by identity."""

    def __init__(self) -> None:
        self.blocks: dict[tuple[int, Role, int, _Labels], list[Block]] = {}
        self.texts: dict[tuple[int, Role, str], list[Labels]] = {}
        self.models: dict[int, Model] = {}

    def add(self, model: Model, columns: tuple[Block | Labels, ...]) -> None:
        number = id(model)
        self.models[number] = model
        for column in columns:
            if isinstance(column, Block):
                where = number, column.role, id(column.names), column.labels
                try:
                    self.blocks[where].append(column)
                except KeyError:
                    self.blocks[where] = [column]
            else:
                self.texts.setdefault((number, column.role, column.name), []).append(column)


def _weight(columns: tuple[Block | Labels, ...]) -> float:
    """How much of the buffer columns take, in rows of eight numbers or less."""
    if not columns:
        return 0.0
    values = sum(c.values.size if isinstance(c, Block) else 4 * len(c.values) for c in columns)
    return max(len(columns[0].values), values / _WIDTH)


def _thinned(inference: Inference, share: float) -> Inference:
    """The same call with a uniform sample of its rows in its columns."""
    rows = max(len(column.values) for column in inference.columns)
    chosen = sample(rows, max(int(rows * share), 1))
    origin = inference.origin
    if origin is not None:
        kept = chosen if origin.rows is None else origin.rows[chosen]
        inference = inference._replace(origin=origin._replace(rows=kept))
    columns = tuple(
        c._replace(values=tuple(c.values[i] for i in chosen if i < len(c.values)))
        if isinstance(c, Labels)
        else c._replace(values=c.values[chosen[chosen < len(c.values)]])
        for c in inference.columns
    )
    return inference._replace(columns=columns)


def _of_another_kind(kind: type[Sketch], sketch: Sketch) -> Sketch:
    """What a column of numbers makes of categories, or the other way round: mismatched values."""
    seen, missing = getattr(sketch, "observations", 0), getattr(sketch, "missing", 0)
    if kind is Categories:
        return Categories({}, 0, missing, seen - missing)
    nothing = kind.empty()
    if isinstance(nothing, Numeric | Probability):
        return replace(nothing, missing=missing, mismatched=seen - missing)
    return nothing
