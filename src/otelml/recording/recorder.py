"""Inferences in, series out: buffered when recorded, folded in numpy when drained."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from otelml import names
from otelml.data import Inference, Key, Model, Origin, Role, Series
from otelml.recording.buffer import Buffer
from otelml.recording.raw import Held, read
from otelml.recording.rows import Call, Rows
from otelml.recording.settings import Settings
from otelml.recording.sketches import Gathered, Sketches
from otelml.recording.slices import Slices
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric

_new = tuple.__new__  # a NamedTuple's own constructor costs thrice as much
About: TypeAlias = tuple[Model, str, str]
"""Model, operation and system of a call."""


class Recorder:
    """Collects the inferences of a process.

    What ended goes into the `buffer`, which calls `on_full`, on the caller's thread, when it
    should be folded. `rows` takes predicted rows. `start` counts a call that began: of a model, an
    operation and a system.
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
        self.buffer = Buffer(self.settings.max_buffered_rows, on_full)
        self._clock = clock
        self._sketches = Sketches(self.settings.max_features)
        self._slices = Slices(self.settings.slice_columns)
        self._begin()

    def _begin(self) -> None:
        self._folding = threading.RLock()  # held for a fold
        self._since = self._clock()
        self._started: deque[About] = deque()
        self.start: Callable[[About], None] = self._started.append  # one step: it needs no lock
        self._active: dict[About, int] = defaultdict(int)

    def forget(self) -> None:
        """Start empty, as a child must after a fork: what was recorded is the parent's."""
        self.buffer.forget()
        self.rows.forget()
        self._sketches.forget()
        self._slices.forget()
        self._begin()

    def load(self, model: Model, system: str, seconds: float, error_type: str | None) -> None:
        """Record that a model was loaded."""
        self._timed(model, Role.LOAD_DURATION, "", system, seconds, error_type)

    def asked(
        self, model: Model, operation: str, system: str, seconds: float, error_type: str | None
    ) -> None:
        """Record that a model server was asked."""
        self._timed(model, Role.CLIENT_DURATION, operation, system, seconds, error_type)

    def _timed(
        self,
        model: Model,
        role: Role,
        operation: str,
        system: str,
        seconds: float,
        error_type: str | None,
    ) -> None:
        labels = {names.SYSTEM: system} | ({names.ERROR_TYPE: error_type} if error_type else {})
        key = Key(model, role, operation, tuple(sorted(labels.items())))
        with self._folding:
            self._sketches.add(key, Numeric.of([seconds]))

    def compared(self, challenger: Model, champion: Model, rows: int, *, agreed: bool) -> None:
        """Record how many rows two models agreed on, or did not."""
        labels = (
            (names.SHADOW_AGREED, str(agreed).lower()),
            (names.SHADOW_CHAMPION, champion.name),
        )
        with self._folding:
            self._sketches.add(Key(challenger, Role.AGREEMENT, "", labels), Count(rows))

    def fold(self) -> None:
        """Fold what is buffered into sketches."""
        with self._folding, np.errstate(all="ignore"):  # the app's own may be to raise
            calls, raw = self.buffer.calls()
            self._count_started()
            self._fold_read(calls)
            self._fold_raw(raw)

    def _count_started(self) -> None:
        started = [self._started.popleft() for _ in range(len(self._started))]
        numbers = [*map(id, started)]  # told apart by identity, which is cheap
        known = dict(zip(numbers, started, strict=True))
        for number, calls in Counter(numbers).items():
            self._active[known[number]] += calls

    def _fold_read(self, calls: list[Inference]) -> None:
        """Fold calls that have their columns."""
        # What looks alike is first told apart by identity: the calls keep it alive.
        alike: dict[tuple[int, str, str, str | None], list[Inference]] = {}
        gathered = Gathered()
        for call in calls:
            where = id(call.model), call.operation, call.system, call.error_type
            alike.setdefault(where, []).append(call)
            gathered.add(call.model, call.columns)
            self._slices.add(call.model, call.columns)
            if call.error_type is None and call.origin is not None:
                self.rows.add(call.model, call.columns, [Call(call.origin, call.rows)])
        for group in alike.values():
            first = group[0]
            about = first.model, first.operation, first.system
            seconds, sizes = [call.seconds for call in group], [call.rows for call in group]
            self._fold_calls(about, first.error_type, seconds, sizes)
        self._sketches.fold(gathered)
        self._settle()

    def _settle(self) -> None:
        """Make sketches of what was folded."""
        if left_out := self._slices.fold(self._sketches):
            self.buffer.drop("slice_limit", left_out)
        self._sketches.settle()

    def _fold_raw(self, raw: list[Held]) -> None:
        """Fold calls that are still to be read."""
        kinds: dict[Any, list[Held]] = defaultdict(list)
        for held in raw:
            kinds[held.reading.kind].append(held)
        models: dict[Model, list[list[Held]]] = defaultdict(list)
        for alike in kinds.values():
            models[alike[0].reading.model].append(alike)
        for all_alike in models.values():
            for alike in all_alike:
                self._read(alike)
            self._settle()

    def _read(self, alike: list[Held]) -> None:
        """Read calls of one kind; what they held is let go."""
        seconds, sizes = [], []
        for reading, calls, bare in alike:
            seconds += [call[0] for call in calls] + bare
            sizes += [reading.rows] * (len(calls) + len(bare))
        about = alike[0].reading.about
        self._fold_calls(about, None, seconds, sizes)
        for columns, unread, calls, rows in read(alike):
            gathered = Gathered()
            gathered.add(about[0], columns)
            self._sketches.fold(gathered)
            self._slices.add(about[0], columns)
            if any(call[4] for call in calls):
                origins = (_new(Origin, (*c[4:], None, None)) if c[4] else None for c in calls)
                self.rows.add(about[0], columns, map(Call, origins, rows))
            if unread:
                self.buffer.drop("not_readable", unread)
        for held in alike:
            held.calls.clear()

    def _fold_calls(
        self, about: About, error: str | None, seconds: list[float], sizes: list[int]
    ) -> None:
        """Fold calls of one model, operation, system and outcome."""
        model, operation, system = about
        self._active[about] -= len(seconds)
        served = ((names.SYSTEM, system),)
        failed = ((names.ERROR_TYPE, error),) if error else ()
        self._sketches.add(
            Key(model, Role.DURATION, operation, failed + served), Numeric.of(seconds)
        )
        if not failed:
            self._sketches.add(Key(model, Role.BATCH_SIZE, operation, served), Numeric.of(sizes))
            self._sketches.add(Key(model, Role.PREDICTIONS, operation, served), Count(sum(sizes)))

    def send(self) -> None:
        """Fold what is buffered, and send the predicted rows; their metrics wait to be drained."""
        with self._folding:
            self.fold()
            self.rows.send()

    def drain(self) -> list[Series]:
        """What was recorded since the last drain."""
        with self._folding:
            self.send()
            now = self._clock()
            since, self._since = min(self._since, now), now  # clocks are set back, too
            started, self._active = self._active, defaultdict(int)
            active: Counter[Key] = Counter()
            for (model, operation, system), number in started.items():
                served = ((names.SYSTEM, system),)
                active[Key(self._sketches.known(model), Role.ACTIVE, operation, served)] += number
            series = [Series(key, since, now, held) for key, held in self._sketches.take().items()]
            dropped = self.buffer.dropped()
            if self.rows.dropped:
                dropped["records_full"] += self.rows.dropped
                self.rows.dropped = 0
        series += [Series(key, since, now, Count(number)) for key, number in active.items()]
        for reason, rows in dropped.items():
            key = Key(Model(""), Role.DROPPED, "", ((names.ERROR_TYPE, reason),))
            series.append(Series(key, since, now, Count(rows)))
        return series
