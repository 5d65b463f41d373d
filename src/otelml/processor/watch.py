"""What is known of the services that are watched: open windows, alerts, streams, baselines.

Pure state: it is fed points and the time, and gives windows and judgements; it can be dumped and
loaded, and is the same afterwards.
"""

import json
import time
from collections import Counter, deque
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from otelml.data import Baseline, Model, Window
from otelml.monitor.alerts import Alerts, subject_of
from otelml.monitor.check import Checks
from otelml.monitor.registry import DRIFT, OF_WINDOWS, QUALITY, run
from otelml.monitor.window import Windows
from otelml.processor import config
from otelml.processor.assess import Assessed
from otelml.processor.emit import Judged
from otelml.processor.library import Learner, Library
from otelml.sketch.exponential import Exponential
from otelml.wire.proto import Decoder, Deltas, Service, StreamPoint

SECOND: Final = 1_000_000_000
AHEAD: Final = 600 * SECOND
"""How far in the future a point may lie."""

_IDLE: Final = 24 * 3600 * SECOND
"""A stream without points for so long is forgotten."""

_SERVICES: Final = 1000
_VOLUMES: Final = 12
"""Windows that the volume is compared with."""


class Watched:
    """One service."""

    def __init__(self, settings: config.Processor) -> None:
        self._settings = settings
        given = settings.windows
        self.windows = Windows(given.length, given.lateness, given.max_series)
        self.alerts: dict[Model, Alerts] = {}
        self.previous: dict[Model, deque[Window]] = {}
        self.learner = Learner(settings.baselines.first_windows, given.min_samples)
        self.assessed: dict[Model, int] = {}
        """Start of the newest window of predictions with enough labels."""

    def alerts_of(self, model: Model) -> Alerts:
        """The alerts of a model."""
        if model not in self.alerts:
            rules = self._settings.alerts
            self.alerts[model] = Alerts(open_after=rules.opening, resolve_after=rules.resolve_after)
        return self.alerts[model]

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "windows": self.windows.dump(),
            "alerts": [[m.name, m.version, alerts.dump()] for m, alerts in self.alerts.items()],
            "previous": [
                [m.name, m.version, [[w.start, w.end, w.rows] for w in windows]]
                for m, windows in self.previous.items()
            ],
            "learner": self.learner.dump(),
            "assessed": [[m.name, m.version, start] for m, start in self.assessed.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take the state that `dump` described."""
        self.windows.load(state["windows"])
        for name, version, alerts in state["alerts"]:
            self.alerts_of(Model(name, version)).load(alerts)
        for name, version, windows in state["previous"]:
            model = Model(name, version)
            self.previous[model] = deque(
                (Window(model, start, end, {}, rows) for start, end, rows in windows), _VOLUMES
            )
        self.learner.load(state["learner"])
        self.assessed = {Model(n, version): start for n, version, start in state["assessed"]}


class Watch:
    """All services."""

    def __init__(self, settings: config.Processor, since: int) -> None:
        self._settings = settings
        self.decoder = Decoder()
        self.deltas = Deltas(since)
        self.since = since
        self.number = 0
        self.services: dict[Service, Watched] = {}
        self.dropped: Counter[str] = Counter()
        self.durations: dict[tuple[str, str | None], tuple[Exponential, float]] = {}
        rules = settings.checks
        self._excluded = frozenset(rules.exclude) & frozenset(OF_WINDOWS)
        limits = {
            name: {k: v for k, v in (("warn", x.warn), ("alarm", x.alarm)) if v is not None}
            for name, x in rules.limits.items()
        }
        self._checks = Checks(
            (*DRIFT, *QUALITY),
            exclude=frozenset(rules.exclude) - frozenset(OF_WINDOWS),
            limits=MappingProxyType(limits),
            min_samples=settings.windows.min_samples,
        )

    def read(self, body: bytes, now: int) -> tuple[list[StreamPoint], Counter[str]]:
        """The points in a request, and why there are not more."""
        bad: Counter[str] = Counter()
        points = self.decoder.points(body, bad)
        early = [point for point in points if point.end <= now + AHEAD]
        if len(early) < len(points):
            bad["future"] += len(points) - len(early)
        return early, bad

    def fold(self, number: int, points: Iterable[StreamPoint], now: int) -> None:
        """Count what points add; `number` is the journal's."""
        self.number = number
        for point in points:
            step = self.deltas.delta(point, now)
            if step is None:
                continue
            watched = self.services.get(point.stream.service)
            if watched is None:
                if len(self.services) >= _SERVICES:
                    self.dropped["service_limit"] += 1
                    continue
                watched = self.services[point.stream.service] = Watched(self._settings)
            watched.windows.fold(step, now)

    def close(self, now: int) -> list[tuple[Service, Window]]:
        """The windows that are complete by now."""
        self.deltas.forget(now - _IDLE)
        return [
            (service, window)
            for service, watched in self.services.items()
            for window in watched.windows.close(now)
        ]

    def judge(self, service: Service, window: Window, library: Library) -> Judged:
        """What is to be said of a window."""
        began = time.perf_counter()
        watched = self.services[service]
        model = window.model
        previous = watched.previous.setdefault(model, deque(maxlen=_VOLUMES))
        baseline = library.find(model) or watched.learner.find(model)
        of_baseline = None if baseline is None else baseline.window
        findings = run(self._checks, of_baseline, window, tuple(previous), self._excluded)
        alerts = watched.alerts_of(model)
        changes = alerts.update(findings)
        watched.learner.learn(window)
        previous.append(Window(model, window.start, window.end, {}, window.rows))
        self._took(time.perf_counter() - began, model, baseline)
        return Judged(
            window,
            baseline,
            tuple(findings),
            tuple(change.finding for change in changes if change.opened),
            tuple(change.finding for change in changes if not change.opened),
            frozenset(subject_of(finding) for finding in findings if alerts.is_open(finding)),
        )

    def assess(self, service: Service, assessed: Assessed, library: Library) -> Judged:
        """What is to be said of a window whose labels changed."""
        watched = self.services.get(service)
        if watched is None:
            watched = self.services[service] = Watched(self._settings)
        model = assessed.window.model
        alerts = watched.alerts_of(model)
        changes = alerts.update(assessed.findings)
        enough = assessed.labelled >= self._settings.performance.min_samples
        newest = watched.assessed.get(model, 0)
        if enough:
            watched.assessed[model] = max(newest, assessed.window.start)
        shown = enough and assessed.window.start >= newest
        return Judged(
            assessed.window,
            library.find(model),
            tuple(assessed.findings),
            tuple(change.finding for change in changes if change.opened),
            tuple(change.finding for change in changes if not change.opened),
            frozenset(subject_of(f) for f in assessed.findings if alerts.is_open(f)),
            assessed.labelled,
            shown,
        )

    def _took(self, seconds: float, model: Model, baseline: Baseline | None) -> None:
        key = model.name, None if baseline is not None else "no_baseline"
        histogram, total = self.durations.get(key, (Exponential.empty(), 0.0))
        self.durations[key] = histogram.merge(Exponential.of([seconds])), total + seconds

    def losses(self) -> Counter[str]:
        """What was left out of the state, by reason."""
        whole = self.dropped + Counter(
            {k: n for k, n in self.deltas.dropped.items() if k not in _EXPECTED}
        )
        for watched in self.services.values():
            whole.update(watched.windows.dropped)
        return whole

    def dump(self) -> bytes:
        """Its state."""
        state = {
            "since": self.since,
            "deltas": self.deltas.dump(),
            "services": [[*service, watched.dump()] for service, watched in self.services.items()],
        }
        return json.dumps(state).encode()

    def load(self, state: bytes, number: int) -> None:
        """Take the state that `dump` described; `number` is the journal's."""
        whole = json.loads(state)
        self.since, self.number = whole["since"], number
        self.deltas = Deltas.load(whole["deltas"])
        for *service, watched in whole["services"]:
            one = self.services[Service(*service)] = Watched(self._settings)
            one.load(watched)


_EXPECTED: Final = frozenset({"duplicate", "first_sight"})
"""Not losses: what is left out so that nothing counts twice."""
