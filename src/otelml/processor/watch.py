"""What is known of the services that are watched: open windows, alerts, streams, baselines.

Pure state: it is fed points and the time, and gives windows and judgements; it can be dumped and
loaded, and is the same afterwards.
"""

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from otelml.data import Baseline, Finding, Model, Window
from otelml.monitor.alerts import Alerts, subject_of
from otelml.monitor.check import Checks
from otelml.monitor.registry import DRIFT, OF_WINDOWS, QUALITY, run
from otelml.monitor.retraining import Signal
from otelml.monitor.rules import parse
from otelml.monitor.sliced import chosen, whole
from otelml.monitor.window import Windows
from otelml.processor import config
from otelml.processor.assess import Assessed, rules_of
from otelml.processor.concepts import Concepts
from otelml.processor.emit import Judged
from otelml.processor.library import Learner, Library
from otelml.processor.reference import Reference
from otelml.sketch.exponential import Exponential
from otelml.wire.proto import Decoder, Deltas, Service, StreamPoint

_LOG: Final = logging.getLogger(__name__)
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
        self.concepts: dict[Model, Alerts] = {}
        self.signals: dict[Model, Signal] = {}
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

    def concepts_of(self, model: Model) -> Alerts:
        """The alerts on a model's stream of errors: a detector waits long enough by itself."""
        if model not in self.concepts:
            after = self._settings.alerts.resolve_after
            self.concepts[model] = Alerts(open_after=(1, 1), resolve_after=after)
        return self.concepts[model]

    def signal_of(self, model: Model) -> Signal:
        """Whether to train a model anew."""
        if model not in self.signals:
            rules = [parse(rule) for rule in self._settings.retraining.when]
            self.signals[model] = Signal(rules, self._settings.alerts.resolve_after)
        return self.signals[model]

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
                (Window(model, start, end, {}, rows) for start, end, rows in windows), _VOLUMES
            )
        self.learner.load(state["learner"])
        self.assessed = {Model(n, version): start for n, version, start in state["assessed"]}


def _by_model(held: Mapping[Model, Alerts | Signal]) -> list[Any]:
    return [[model.name, model.version, one.dump()] for model, one in held.items()]


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
        self._rules = rules_of(settings.performance)
        self.concepts = Concepts(
            tuple(settings.concept_drift.detectors), settings.performance.every
        )
        self.durations: dict[tuple[str, str | None], tuple[Exponential, float]] = {}
        rules = settings.checks
        self._sliced = {by[0] for by in settings.segments.columns if len(by) == 1}
        self._excluded = frozenset(rules.exclude) & frozenset(OF_WINDOWS)
        limits = {
            name: {k: v for k, v in (("warn", x.warn), ("alarm", x.alarm)) if v is not None}
            for name, x in rules.limits.items()
        }
        self.checks = Checks(
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
        judged = chosen(window, self._sliced, self._settings.segments.max_slices)
        findings = run(self.checks, of_baseline, judged, tuple(previous), self._excluded)
        findings += self._estimated(library.reference(model), whole(window))
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
            recommended=tuple(watched.signal_of(model).update(findings)),
        )

    def _estimated(self, reference: Reference | None, window: Window) -> list[Finding]:
        """What is expected of a window without labels; nothing where that fails."""
        if reference is None:
            return []
        try:
            return reference.estimated(self._rules, window)
        except Exception:  # noqa: BLE001 - what is known without it is told
            self.dropped["estimate_error"] += 1
            _LOG.exception("performance of %r could not be estimated", window.model.name)
            return []

    def assess(self, service: Service, assessed: Assessed, library: Library) -> Judged:
        """What is to be said of a window whose labels changed."""
        watched = self.services.get(service)
        if watched is None:
            watched = self.services[service] = Watched(self._settings)
        model = assessed.window.model
        newest = watched.assessed.get(model, 0)
        enough = assessed.labelled >= self._settings.performance.min_samples
        if enough:
            watched.assessed[model] = max(newest, assessed.window.start)
        alerts, drifts = watched.alerts_of(model), watched.concepts_of(model)
        changes = [*alerts.update(assessed.findings), *drifts.update(assessed.drifts)]
        findings = (*assessed.findings, *assessed.drifts)
        return Judged(
            assessed.window,
            library.find(model),
            findings,
            tuple(change.finding for change in changes if change.opened),
            tuple(change.finding for change in changes if not change.opened),
            frozenset(subject_of(f) for f in findings if alerts.is_open(f) or drifts.is_open(f)),
            assessed.labelled,
            enough and assessed.window.start >= newest,
            tuple(watched.signal_of(model).update(findings)),
            assessed.confusion,
            assessed.curve,
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
            "concepts": self.concepts.dump(),
        }
        return json.dumps(state).encode()

    def load(self, state: bytes, number: int) -> None:
        """Take the state that `dump` described; `number` is the journal's."""
        whole = json.loads(state)
        self.since, self.number = whole["since"], number
        self.deltas = Deltas.load(whole["deltas"])
        self.concepts.load(whole["concepts"])
        for *service, watched in whole["services"]:
            one = self.services[Service(*service)] = Watched(self._settings)
            one.load(watched)


_EXPECTED: Final = frozenset({"duplicate", "first_sight"})
"""Not losses: what is left out so that nothing counts twice."""
