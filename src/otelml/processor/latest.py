"""The latest gauges of each model, which are sent again until others replace them."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otelml.data import Model
from otelml.processor import config
from otelml.store.journal import Repeated
from otelml.wire.proto import Service

_SECOND: Final = 1e9
_MILLISECOND: Final = 1_000_000
"""Backends tell no times apart that are closer."""


class Subject(NamedTuple):
    """Of whom gauges are, and whether of a window of sketches."""

    service: Service
    model: Model
    sketches: bool


class Latest:
    """What was told last of each subject, and when."""

    def __init__(self, rules: config.Processor) -> None:
        self._rules = rules
        self._held: dict[Subject, tuple[float, ExportMetricsServiceRequest]] = {}
        self._fresh: set[Subject] = set()
        self._newest: dict[Subject, int] = {}
        """The time of what was told last: a backend refuses, or drops, points from before."""

    def take(
        self, subject: Subject, end: int, request: ExportMetricsServiceRequest, now: int
    ) -> ExportMetricsServiceRequest:
        """Keep the gauges of a window: as of its end, or of now if others were told since then.

        What is too old to be repeated keeps its time.
        """
        newest = self._newest.get(subject, 0)
        if end <= newest and now - end < self._lasts(subject) * _SECOND:
            end = max(now, newest + _MILLISECOND)
            request = _restamped(request, end)
        self._newest[subject] = max(end, newest)
        self._held[subject] = time.monotonic(), request
        self._fresh.add(subject)
        return request

    def again(self, now: int) -> Iterator[ExportMetricsServiceRequest]:
        """The gauges as of now, but for those that were just sent."""
        clock, every = time.monotonic(), self._rules.repeat
        self._held = {
            subject: held
            for subject, held in self._held.items()
            if clock - held[0] < self._lasts(subject) + every
        }
        self._newest = {subject: self._newest[subject] for subject in self._held}
        for subject, (told, request) in self._held.items():
            if told <= clock - every:
                self._newest[subject] = now
                yield _restamped(request, now)

    def dump(self, now: int) -> list[Repeated]:
        """What came since the last dump, for a restart to go on with."""
        fresh, self._fresh = self._fresh, set()
        return [
            Repeated(
                json.dumps(subject),
                now,
                now + int(self._lasts(subject) * _SECOND),
                self._held[subject][1].SerializeToString(),
            )
            for subject in fresh
            if subject in self._held
        ]

    def load(self, kept: Iterable[Repeated], now: int) -> None:
        """Go on with what was dumped; until now it may have been sent again.

        Raises:
            ValueError: a subject is none.
            google.protobuf.message.DecodeError: its gauges are none.

        """
        clock = time.monotonic()
        for one in kept:
            service, model, sketches = json.loads(one.subject)
            subject = Subject(Service(*service), Model(*model), sketches)
            request = ExportMetricsServiceRequest.FromString(one.body)
            self._held[subject] = clock - max(now - one.since, 0) / _SECOND, request
            self._newest[subject] = now

    def _lasts(self, subject: Subject) -> float:
        """For how many seconds the gauges of a window are repeated, if no other follows."""
        windows, performance = self._rules.windows, self._rules.performance
        if subject.sketches:
            return 2 * (windows.length + windows.lateness)
        return 2 * performance.window + self._rules.labels.expire_after


def _restamped(request: ExportMetricsServiceRequest, now: int) -> ExportMetricsServiceRequest:
    again = ExportMetricsServiceRequest()
    again.CopyFrom(request)
    for whole in again.resource_metrics:
        for scope in whole.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, str(metric.WhichOneof("data")))
                for point in data.data_points:
                    point.time_unix_nano = now
    return again
