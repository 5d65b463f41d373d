"""Windows of event time: points are folded as they come, in any order, and windows close behind.

A point belongs to the window in which it ends. A window closes when its model's newest point is
`lateness` past its end, or by the wall clock when nothing came for as long; what comes for a
closed window is late, and counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otelml.data import Key, Model, Point, Role, Window
from otelml.sketch.count import Count
from otelml.sketch.parts import Assembly

_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class _Progress:
    """How far one model is: its newest point, when the last came, and where windows closed."""

    newest: int = 0
    arrived: int = 0
    closed: int = 0


class Windows:
    """Open windows of all models, bounded in series.

    `length` and `lateness` are in seconds; times are in nanoseconds since the epoch.
    """

    def __init__(self, length: float, lateness: float, most_series: int = 200_000) -> None:
        self.length, self.lateness = round(length * _SECOND), round(lateness * _SECOND)
        self.dropped: Counter[str] = Counter()
        self.since = 0
        """When it began to listen: that nothing came before does not say that a source is idle."""
        self._most = most_series
        self._open: dict[tuple[Model, int], dict[Key, Assembly]] = {}
        self._series = 0
        self._progress: dict[Model, _Progress] = {}

    @property
    def series(self) -> int:
        """Series held in open windows."""
        return self._series

    def fold(self, point: Point, now: int) -> bool:
        """Add a point; False if it is left out, for a reason counted in `dropped`."""
        key, piece, _, end = point
        model = key.model
        start = (end - 1) // self.length * self.length
        progress = self._progress.get(model)
        if progress is None:
            progress = self._progress[model] = _Progress(arrived=now)
        if start < progress.closed:
            return self._drop("late")
        window = self._open.get((model, start))
        if window is None:
            window = self._open[model, start] = {}
        assembly = window.get(key)
        if assembly is None:
            if self._series >= self._most:
                return self._drop("too_many_series")
            assembly = window[key] = Assembly()
            self._series += 1
        assembly.add(piece)
        progress.arrived = now
        progress.newest = max(progress.newest, end)
        return True

    def _drop(self, reason: str) -> bool:
        self.dropped[reason] += 1
        return False

    def close(self, now: int) -> Iterator[Window]:
        """The windows that are complete at the wall-clock time `now`, oldest first.

        Each is taken when it is its turn: until then it may grow.
        """
        due = [(start, model) for model, start in self._open if self._is_due(model, start, now)]
        for start, model in sorted(due):
            yield self._taken(model, start)

    def drain(self) -> list[Window]:
        """All open windows, oldest first, complete or not."""
        held = sorted((start, model) for model, start in self._open)
        return [self._taken(model, start) for start, model in held]

    def forget(self, before: int) -> None:
        """Forget the models without open windows of which no point came since."""
        held = {model for model, _ in self._open}
        for model in [m for m, p in self._progress.items() if p.arrived < before]:
            if model not in held:
                del self._progress[model]

    def _is_due(self, model: Model, start: int, now: int) -> bool:
        due = start + self.length + self.lateness
        progress = self._progress[model]
        idle = now - max(progress.arrived, self.since) >= self.lateness
        return progress.newest >= due or (idle and now >= due)

    def _taken(self, model: Model, start: int) -> Window:
        assemblies = self._open.pop((model, start))
        self._series -= len(assemblies)
        end = start + self.length
        progress = self._progress[model]
        progress.closed = max(progress.closed, end)
        return assembled(model, start, end, assemblies)

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "length": self.length,
            "open": [
                [*_dump_model(model), start, [_dump_series(*item) for item in window.items()]]
                for (model, start), window in self._open.items()
            ],
            "models": [
                [*_dump_model(model), progress.newest, progress.arrived, progress.closed]
                for model, progress in self._progress.items()
            ],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up the state that `dump` described.

        What was in windows of another length goes to those in which they would have ended.
        """
        before = state.get("length", self.length)
        for name, version, newest, arrived, closed in state["models"]:
            until = closed // self.length * self.length
            self._progress[Model(name, version)] = _Progress(newest, arrived, until)
        for name, version, start, series in state["open"]:
            model = Model(name, version)
            now = (start + before - 1) // self.length * self.length
            window = self._open.setdefault((model, now), {})
            self._series -= len(window)
            for role, column, labels, assembly in series:
                told = tuple((label, value) for label, value in labels)
                held = window.setdefault(Key(model, Role(role), column, told), Assembly())
                held.merge(Assembly.load(assembly))
            self._series += len(window)


def assembled(model: Model, start: int, end: int, assemblies: Mapping[Key, Assembly]) -> Window:
    """The window that these pieces make; its rows are the predictions counted."""
    sketches = {key: assembly.sketch() for key, assembly in assemblies.items()}
    rows = sum(
        sketch.value
        for key, sketch in sketches.items()
        if key.role is Role.PREDICTIONS and isinstance(sketch, Count)
    )
    return Window(model, start, end, sketches, rows)


def _dump_model(model: Model) -> tuple[str, str | None]:
    return model.name, model.version


def _dump_series(key: Key, assembly: Assembly) -> list[Any]:
    return [key.role, key.name, key.labels, assembly.dump()]
