"""Inferences in, series out: buffered when recorded, folded in numpy when drained.

The caller pays for an append. What is buffered is bounded in rows, and wide rows count for several,
so that it is bounded in bytes; over the bound a uniform sample is kept (reservoir sampling of
calls) and what was shed is counted.
"""

import random
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from otelml import names
from otelml.data import Block, Inference, Key, Labels, Model, Role, Series, Sketch
from otelml.recording.columns import sample
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
    whoever drains. `most` is that half: no call keeps more rows.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Callable[[], int] = time.time_ns,
        on_full: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings or Settings()
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
        self._calls: list[Inference] = []
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
                while self._held > 2 * self.most:
                    self._shed()
                self._on_full()

    def _shed(self) -> None:
        """Make room: one call, at random, keeps its counts and loses its columns."""
        place = self._random.randrange(len(self._sampled))
        chosen, self._sampled[place] = self._sampled[place], self._sampled[-1]
        self._sampled.pop()
        call = self._calls[chosen]
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

    def _fold(self, calls: list[Inference]) -> None:
        # What looks alike is first told apart by identity, which is cheap: the calls keep it alive.
        alike: dict[tuple[int, str, str, str | None], list[Inference]] = {}
        blocks: dict[tuple[int, Role, int, _Labels], list[Block]] = {}
        texts: dict[tuple[int, Role, str], list[Labels]] = {}
        models: dict[int, Model] = {}
        for call in calls:
            model, operation, system, _, _, columns, error, *_ = call
            number = id(model)
            try:
                alike[number, operation, system, error].append(call)
            except KeyError:
                alike[number, operation, system, error] = [call]
                models[number] = model
            for column in columns:
                if isinstance(column, Block):
                    where = number, column.role, id(column.names), column.labels
                    try:
                        blocks[where].append(column)
                    except KeyError:
                        blocks[where] = [column]
                else:
                    texts.setdefault((number, column.role, column.name), []).append(column)
        started = [self._started.popleft() for _ in range(len(self._started))]
        for key, number in Counter(started).items():
            self._active[key] += number
        for group in alike.values():
            first = group[0]
            self._active[first.model, first.operation, first.system] -= len(group)
            self._fold_calls(group)
        for (number, role, name), parts in texts.items():
            values = [value for part in parts for value in part.values]
            self._add(Key(models[number], role, name), Categories.of(values))
        groups: dict[_Group, list[Block]] = defaultdict(list)
        for (number, role, _, labels), held in blocks.items():
            groups[models[number], role, held[0].names, labels] += held
        for columns_alike, held in groups.items():
            self._fold_blocks(columns_alike, held)

    def _fold_calls(self, calls: list[Inference]) -> None:
        """Fold calls of one model, operation and outcome."""
        call = calls[0]
        system = ((names.SYSTEM, call.system),)
        failed = ((names.ERROR_TYPE, call.error_type),) if call.error_type else ()
        duration = Key(call.model, Role.DURATION, call.operation, failed + system)
        self._add(duration, Numeric.of([c.seconds for c in calls]))
        if not failed:
            sizes = [c.rows for c in calls]
            self._add(Key(call.model, Role.BATCH_SIZE, call.operation, system), Numeric.of(sizes))
            rows = Key(call.model, Role.PREDICTIONS, call.operation, system)
            self._add(rows, Count(sum(sizes)))

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

    def drain(self) -> list[Series]:
        """What was recorded since the last drain."""
        with self._folding:
            self.fold()
            sketches, self._sketches = self._sketches, {}
            since, self._since = self._since, self._clock()
            now = self._since
            active, self._active = self._active, defaultdict(int)
        with self._lock:
            dropped, self._dropped = self._dropped, Counter()
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
        self._clear()


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
