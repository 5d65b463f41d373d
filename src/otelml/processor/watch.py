"""What is known of the services that are watched: open windows, alerts, streams, baselines.

Pure state: it is fed points and the time, and gives windows and judgements; it can be dumped and
loaded, and is the same afterwards.
"""

import json
import logging
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from otelml.data import Baseline, Finding, Model, Window
from otelml.monitor.alerts import Change, subject_of
from otelml.monitor.check import Checks
from otelml.monitor.registry import DRIFT, OF_WINDOWS, QUALITY, run
from otelml.monitor.sliced import chosen
from otelml.processor import config
from otelml.processor.assess import Assessed, rules_of
from otelml.processor.concepts import Concepts
from otelml.processor.judged import Judged
from otelml.processor.library import Library
from otelml.processor.reference import Reference
from otelml.processor.truths import MODEL_LIMIT
from otelml.processor.watched import VOLUMES, Watched
from otelml.sketch.exponential import Exponential
from otelml.wire.proto import Decoder, Deltas, Service, StreamPoint

_LOG: Final = logging.getLogger(__name__)
_SECOND: Final = 1_000_000_000
_AHEAD: Final = 600 * _SECOND
"""How far in the future a point may lie: it closes the windows before it."""

_IDLE: Final = 24 * 3600 * _SECOND
"""A stream without points for so long is forgotten."""

_UNHEARD: Final = 30 * 24 * 3600 * _SECOND
"""A model of which nothing was heard for so long, and as long as labels wait, is forgotten.

So is an alert of which nothing was judged: it resolves.
"""

_SWEEP: Final = 60 * _SECOND
_SERVICES: Final = 1000
_MODELS: Final = 10_000
"""Models of all services: beyond them those that are longest unheard are forgotten.

Names come from outside. So many more may be known as one window brings.
"""


class Watch:
    """All services."""

    def __init__(self, settings: config.Processor, since: int) -> None:
        self._settings = settings
        self.decoder = Decoder()
        self.deltas = Deltas(since)
        self.since = since
        self.number = 0
        self._swept = 0
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
        latest = now + _AHEAD
        taken = [point for point in points if point.end <= latest]
        if len(taken) < len(points):
            bad["future"] += len(points) - len(taken)
        return taken, bad

    def fold(self, number: int, points: Iterable[StreamPoint], now: int) -> None:
        """Count what points add; `number` is the journal's."""
        self.number = number
        delta = self.deltas.delta
        for point in points:
            step = delta(point, now)
            if step is None:
                continue
            watched = self.services.get(point.stream.service)
            if watched is None:
                if len(self.services) >= _SERVICES:
                    self.dropped["service_limit"] += 1
                    continue
                watched = self.services[point.stream.service] = Watched(self._settings)
            watched.windows.fold(step, now)

    def listens(self, now: int) -> None:
        """From now on points can come; those that waited are of windows that were left open."""
        for watched in self.services.values():
            watched.windows.since = now

    def close(self, now: int) -> Iterator[tuple[Service, Window]]:
        """The windows that are complete by now, each taken when it is its turn."""
        for service, watched in [*self.services.items()]:
            for window in watched.windows.close(now):
                yield service, window

    def _forget(self, now: int) -> list[tuple[Service, Judged]]:
        """Forget of what nothing was heard for long; what was counted of it stays counted.

        Which alerts resolve by it. A window may be judged anew for as long as its labels wait.
        """
        self.deltas.forget(now - _IDLE)
        settings = self._settings
        waiting = now - round(settings.labels.expire_after * _SECOND)
        quiet = waiting - round(settings.performance.window * _SECOND)
        before = waiting - _UNHEARD
        known = max(before, self._room())
        over = [
            (service, _over(model, changes, now))
            for service, watched in self.services.items()
            for model, changes in watched.forget(known, before, quiet, now).items()
        ]
        for service in [s for s, watched in self.services.items() if watched.idle]:
            self.dropped.update(self.services.pop(service).windows.dropped)
        held = {model.name for watched in self.services.values() for model in watched.seen}
        self.durations = {key: told for key, told in self.durations.items() if key[0] in held}
        return over

    def _room(self) -> int:
        """The time since which there is room for the models that were heard of."""
        heard = sorted(h.at for watched in self.services.values() for h in watched.seen.values())
        if len(heard) <= _MODELS:
            return 0
        since = heard[-_MODELS]
        self.dropped[MODEL_LIMIT] += bisect_left(heard, since)
        return since

    def judged(self, now: int, library: Library) -> Iterator[tuple[Service, Judged]]:
        """What is to be said of the windows that are complete by now."""
        if now - self._swept >= _SWEEP:
            self._swept = now
            yield from self._forget(now)
        for service, window in self.close(now):
            try:
                one = self.judge(service, window, library, now)
            except Exception:  # noqa: BLE001 - the others are taken out already, and would be lost
                self.dropped["judge_error"] += 1
                _LOG.exception("a window of %r could not be judged", window.model.name)
            else:
                yield service, one

    def judge(self, service: Service, window: Window, library: Library, now: int) -> Judged:
        """What is to be said of a window."""
        began = time.perf_counter()
        watched = self.services[service]
        model = window.model
        watched.saw(window, now)
        previous = watched.previous.setdefault(model, deque(maxlen=VOLUMES))
        baseline = library.find(model) or watched.learner.find(model)
        of_baseline = None if baseline is None else baseline.window
        judged = chosen(window, self._sliced, self._settings.segments.max_slices)
        findings = run(self.checks, of_baseline, judged, tuple(previous), self._excluded)
        findings += self._estimated(library.reference(model), judged)
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

    def assess(self, service: Service, assessed: Assessed, library: Library, now: int) -> Judged:
        """What is to be said of a window whose labels changed."""
        watched = self.services.get(service)
        if watched is None:
            watched = self.services[service] = Watched(self._settings)
        model = assessed.window.model
        watched.saw(assessed.window, now)
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


def _over(model: Model, changes: Iterable[Change], now: int) -> Judged:
    """What is to be said of alerts of which nothing is judged any more."""
    window = Window(model, now, now, {}, 0)
    resolved = tuple(change.finding for change in changes)
    return Judged(window, None, (), (), resolved, frozenset(), shown=False)


_EXPECTED: Final = frozenset({"duplicate", "first_sight"})
"""Not losses: what is left out so that nothing counts twice."""
