"""What is known of one service that is watched: its open windows, alerts and signals."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from otelml.data import Model, Window
from otelml.monitor.alerts import Alerts, Change
from otelml.monitor.retraining import Signal
from otelml.monitor.rules import parse
from otelml.monitor.window import Windows
from otelml.processor import config
from otelml.processor.library import Learner

VOLUMES: Final = 12
"""Windows that the volume is compared with."""


class Heard(NamedTuple):
    """How far a model is: the end of its newest window, and when one was judged last."""

    end: int
    at: int

    @property
    def lag(self) -> int:
        """How far it is behind: what is told of long ago is told now."""
        return max(self.at - self.end, 0)


class Watched:
    """One service."""

    def __init__(self, settings: config.Processor) -> None:
        self._settings = settings
        given = settings.windows
        self.windows = Windows(given.length, given.lateness, given.max_series)
        self.alerts: dict[Model, Alerts] = {}
        self.concepts: dict[Model, Alerts] = {}
        self.signals: dict[Model, Signal] = {}
        self.previous: dict[Model, deque[Window]] = {}
        self.learner = Learner(settings.baselines.first_windows, given.min_samples)
        self.assessed: dict[Model, int] = {}
        """Start of the newest window of predictions with enough labels."""
        self.seen: dict[Model, Heard] = {}
        """What was heard of each model, by windows of whatever kind."""

    def alerts_of(self, model: Model) -> Alerts:
        """The alerts of a model."""
        if model not in self.alerts:
            self.alerts[model] = self._alerts(self._settings.alerts.opening)
        return self.alerts[model]

    def concepts_of(self, model: Model) -> Alerts:
        """The alerts on a model's stream of errors: a detector waits long enough by itself."""
        if model not in self.concepts:
            self.concepts[model] = self._alerts((1, 1))
        return self.concepts[model]

    def _alerts(self, open_after: tuple[int, int]) -> Alerts:
        after = self._settings.alerts.resolve_after
        return Alerts(open_after, after, dropped=self.windows.dropped)

    def signal_of(self, model: Model) -> Signal:
        """Whether to train a model anew."""
        if model not in self.signals:
            rules = [parse(rule) for rule in self._settings.retraining.when]
            self.signals[model] = Signal(rules, self._settings.alerts.resolve_after)
        return self.signals[model]

    def saw(self, window: Window, now: int) -> None:
        """A window came to be judged."""
        end, at = self.seen.get(window.model, (0, 0))
        self.seen[window.model] = Heard(max(end, window.end), max(at, now))

    @property
    def idle(self) -> bool:
        """Whether there is nothing in it."""
        return not self.seen and not self.windows.series

    def forget(self, known: int, before: int, quiet: int, now: int) -> dict[Model, list[Change]]:
        """Forget models and subjects of alerts of which nothing came since; what resolves by it.

        Models are those of which nothing came since `known`. A subject that did not alarm of late
        is forgotten if nothing came since `quiet`.
        """
        self.windows.forget(known)
        gone = {model for model, heard in self.seen.items() if heard.at < known}
        resolved: dict[Model, list[Change]] = {}
        for kind in (self.alerts, self.concepts):
            for model, alerts in kind.items():
                lag = self.seen[model].lag
                since = (now, now) if model in gone else (before - lag, quiet - lag)
                if changes := alerts.forget(*since, now):
                    resolved.setdefault(model, []).extend(changes)
        for model in gone:
            self.learner.forget(model)
            for held in (
                self.alerts,
                self.concepts,
                self.signals,
                self.previous,
                self.assessed,
                self.seen,
            ):
                held.pop(model, None)
        return resolved

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "windows": self.windows.dump(),
            "alerts": _by_model(self.alerts),
            "concepts": _by_model(self.concepts),
            "signals": _by_model(self.signals),
            "previous": [
                [m.name, m.version, [[w.start, w.end, w.rows] for w in windows]]
                for m, windows in self.previous.items()
            ],
            "learner": self.learner.dump(),
            "assessed": [[m.name, m.version, start] for m, start in self.assessed.items()],
            "seen": [[m.name, m.version, *heard] for m, heard in self.seen.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take the state that `dump` described."""
        self.windows.load(state["windows"])
        for name, version, alerts in state["alerts"]:
            self.alerts_of(Model(name, version)).load(alerts)
        for name, version, alerts in state["concepts"]:
            self.concepts_of(Model(name, version)).load(alerts)
        for name, version, signal in state["signals"]:
            self.signal_of(Model(name, version)).load(signal)
        for name, version, windows in state["previous"]:
            model = Model(name, version)
            self.previous[model] = deque(
                (Window(model, start, end, {}, rows) for start, end, rows in windows), VOLUMES
            )
        self.learner.load(state["learner"])
        self.assessed = {Model(n, version): start for n, version, start in state["assessed"]}
        self.seen = {
            Model(name, version): Heard(end, *(at or [end]))  # an earlier build kept no more
            for name, version, end, *at in state["seen"]
        }


def _by_model(held: Mapping[Model, Alerts | Signal]) -> list[Any]:
    return [[model.name, model.version, one.dump()] for model, one in held.items()]
