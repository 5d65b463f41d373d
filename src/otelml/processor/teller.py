"""What is sent of evaluations: letters to exporters and webhook, and the latest gauges again."""

import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otelml import names
from otelml.data import iso
from otelml.monitor.retraining import Recommendation
from otelml.processor import config, webhook
from otelml.processor.events import event_of, events
from otelml.processor.gauges import Gauges, coarse, gauges, pending
from otelml.processor.identity import resource
from otelml.processor.judged import Judged
from otelml.processor.latest import Latest, Subject
from otelml.processor.outbox import Outbox
from otelml.processor.parts import parts
from otelml.processor.pipeline import Route
from otelml.processor.signals import Signal
from otelml.processor.truths import Truths
from otelml.processor.turns import Turns
from otelml.processor.watch import Watch
from otelml.store.journal import Letter
from otelml.wire.proto import Service

_LOG: Final = logging.getLogger(__name__)

WEBHOOK: Final = "webhook"
"""Name of the outbox of the webhook."""


class Teller:
    """Says what came of evaluations, and how the processor does."""

    def __init__(
        self,
        rules: config.Processor,
        routes: Mapping[Signal, Route],
        watch: Watch,
        truths: Truths,
        outboxes: Mapping[str, Outbox],
    ) -> None:
        self._rules, self._routes, self._outboxes = rules, routes, outboxes
        self._watch, self._truths = watch, truths
        self._started = time.time_ns()
        self._instance = {"service.instance.id": str(uuid.uuid4())}
        self.latest = Latest(rules)

    async def letters(self, judged: Mapping[Service, list[Judged]], now: int) -> list[Letter]:
        """The requests that tell of evaluated windows; others have their turn between them."""
        letters, turns = [], Turns()
        since = self._watch.since
        for service, ones in judged.items():
            whole = ExportMetricsServiceRequest()
            for one in (one for one in ones if one.shown):
                try:
                    request = gauges(service, one, since, names.VERSION, now).request
                except Exception:  # noqa: BLE001 - the others are taken out already
                    self._watch.dropped["judge_error"] += 1
                    _LOG.exception("a window of %r could not be told", one.window.model.name)
                    continue
                subject = Subject(service, one.window.model, one.labelled is None)
                end = one.window.end if subject.sketches else now
                whole.MergeFrom(self.latest.take(subject, end, request, now))
                await turns.over()
            if whole.resource_metrics:
                letters += self._addressed(Signal.METRICS, whole)
            changed = events(service, ones, now, names.VERSION)
            if changed is not None:
                letters += self._addressed(Signal.LOGS, changed)
            letters += self._posted(service, ones)
        if judged:
            letters += self._addressed(Signal.METRICS, self._own(now))
        return letters

    def _posted(self, service: Service, ones: list[Judged]) -> list[Letter]:
        """What the webhook is told."""
        if self._rules.retraining.webhook is None:
            return []
        return [
            Letter(
                WEBHOOK, str(Signal.LOGS), webhook.body(event_of(new), _about(service, one, new))
            )
            for one in ones
            for new in one.recommended
        ]

    def _addressed(self, signal: Signal, request: Message) -> list[Letter]:
        route = self._routes.get(signal)
        if route is None:
            return []
        bodies = parts(request)
        return [Letter(name, str(signal), body) for name in route.exporters for body in bodies]

    def again(self, now: int) -> list[bytes]:
        """Requests with the latest gauges, as of now, and how the processor does."""
        whole = self._own(now)
        whole.MergeFrom(pending(self._truths.pending, self._started, names.VERSION, now))
        for request in self.latest.again(now):
            whole.MergeFrom(request)
        return parts(whole)

    def _own(self, now: int) -> ExportMetricsServiceRequest:
        """What the processor tells of itself."""
        out = Gauges(resource(Service("otelml"), self._instance), names.VERSION)
        out.add(names.SERIES_COUNT, {}, self._started, now, len(self._watch.deltas))
        losses = self._watch.losses() + self._truths.dropped
        losses["outbox"] += sum(outbox.dropped for outbox in self._outboxes.values())
        for reason, count in sorted(losses.items()):
            if count:
                attributes = {names.ERROR_TYPE: reason}
                out.add(names.ITEM_DROPPED, attributes, self._started, now, count)
        for state, count in sorted(self._truths.states.items()):
            out.add(
                names.GROUND_TRUTH_LABELS, {names.TRUTH_STATE: state}, self._started, now, count
            )
        delays, seconds = self._truths.delay()
        if delays.count:
            out.add(names.GROUND_TRUTH_DELAY, {}, self._started, now, coarse(delays), seconds)
        for (model, problem), (histogram, total) in self._watch.durations.items():
            of = {names.MODEL_NAME: model} | ({names.ERROR_TYPE: problem} if problem else {})
            kept = coarse(histogram)
            out.add(names.EVALUATION_DURATION, of, self._started, now, kept, total)
        return out.request


def _about(service: Service, judged: Judged, new: Recommendation) -> dict[str, Any]:
    """What a webhook is told of a recommendation."""
    model = judged.window.model
    return {
        "service": service.name,
        "model": model.name,
        "model_version": model.version,
        "rule": str(new.rule),
        "window": {"start": iso(new.window[0]), "end": iso(new.window[1])},
        "evidence": [*new.evidence],
    }
