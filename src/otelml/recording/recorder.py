"""Inferences in, series out: buffered when recorded, folded in numpy when drained."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from otelml import names
from otelml.data import Inference, Key, Model, Role, Series
from otelml.recording.buffer import Buffer
from otelml.recording.raw import Raw, read
from otelml.recording.rows import Call, Rows
from otelml.recording.settings import Settings
from otelml.recording.sketches import Gathered, Sketches
from otelml.recording.slices import Slices
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric


class Recorder:
    """Collects the inferences of a process.

    What ended goes into the `buffer`, which calls `on_full`, on the caller's thread, when it
    should be folded. `rows` takes predicted rows.
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
        self._sketches = Sketches()
        self._slices = Slices(self.settings.slice_columns)
        self._begin()

    def _begin(self) -> None:
        self._folding = threading.RLock()  # held for a fold
        self._since = self._clock()
        self._started: deque[tuple[Model, str, str]] = deque()
        self._active: dict[tuple[Model, str, str], int] = defaultdict(int)

    def forget(self) -> None:
        """Start empty, as a child must after a fork: what was recorded is the parent's."""
        self.buffer.forget()
        self.rows.forget()
        self._sketches.forget()
        self._slices.forget()
        self._begin()

    def start(self, model: Model, operation: str, system: str) -> None:
        """Count a call that began."""
        self._started.append((model, operation, system))  # one step: it needs no lock

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
        with self._folding:
            self._fold(self.buffer.calls())

    def _fold(self, calls: list[Inference | Raw]) -> None:
        # What looks alike is first told apart by identity, which is cheap: the calls keep it alive.
        alike: dict[tuple[int, str, str, str | None], list[Inference]] = {}
        raw: dict[int, list[Raw]] = {}
        gathered = Gathered()
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
            self._slices.add(call.model, call.columns)
            if call.error_type is None:
                self.rows.add(call.model, call.columns, [Call(call.origin, call.rows)])
        self._count_started()
        for group in alike.values():
            first = group[0]
            about = first.model, first.operation, first.system
            self._fold_calls(about, first.error_type, group)
        self._fold_columns(gathered)
        self._fold_raw(raw.values())

    def _fold_columns(self, gathered: Gathered) -> None:
        self._sketches.fold(gathered)
        if left_out := self._slices.fold(self._sketches):
            self.buffer.drop("slice_limit", left_out)

    def _fold_raw(self, alike: Iterable[list[Raw]]) -> None:
        """Fold calls that are still to be read, of one reading each."""
        kinds: dict[Any, list[Raw]] = defaultdict(list)
        for of_one in alike:
            kinds[of_one[0].reading.kind] += of_one
        models: dict[Model, list[list[Raw]]] = defaultdict(list)
        for of_kind in kinds.values():
            models[of_kind[0].reading.model].append(of_kind)
        for model, held in models.items():  # one at a time: what is read takes room
            gathered = Gathered()
            for of_kind in held:
                about = model, of_kind[0].reading.operation, of_kind[0].reading.system
                self._fold_calls(about, None, of_kind)
                for columns, unread, calls in read(of_kind):
                    gathered.add(model, columns)
                    self._slices.add(model, columns)
                    self.rows.add(model, columns, [Call(c.origin, c.rows) for c in calls])
                    if unread:
                        self.buffer.drop("not_readable", unread)
            self._fold_columns(gathered)

    def _count_started(self) -> None:
        started = [self._started.popleft() for _ in range(len(self._started))]
        for key, number in Counter(started).items():
            self._active[key] += number

    def _fold_calls(
        self, about: tuple[Model, str, str], error: str | None, calls: Sequence[Inference | Raw]
    ) -> None:
        """Fold calls of one model, operation, system and outcome."""
        model, operation, system = about
        self._active[about] -= len(calls)
        served = ((names.SYSTEM, system),)
        failed = ((names.ERROR_TYPE, error),) if error else ()
        duration = Key(model, Role.DURATION, operation, failed + served)
        self._sketches.add(duration, Numeric.of([call.seconds for call in calls]))
        if not failed:
            sizes = [call.rows for call in calls]
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
            since, self._since = self._since, self._clock()
            now = self._since
            active, self._active = self._active, defaultdict(int)
            series = [Series(key, since, now, held) for key, held in self._sketches.take().items()]
            dropped = self.buffer.dropped()
            if self.rows.dropped:
                dropped["records_full"] += self.rows.dropped
                self.rows.dropped = 0
        for (model, operation, system), number in active.items():
            key = Key(model, Role.ACTIVE, operation, ((names.SYSTEM, system),))
            series.append(Series(key, since, now, Count(number)))
        for reason, rows in dropped.items():
            key = Key(Model(""), Role.DROPPED, "", ((names.ERROR_TYPE, reason),))
            series.append(Series(key, since, now, Count(rows)))
        return series
