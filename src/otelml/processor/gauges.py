"""Findings as OTLP metrics: gauges of each window, and states of alerts."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otelml import names
from otelml.data import Finding, Model, Owner, Role, Verdict, segment_of
from otelml.monitor.alerts import subject_of
from otelml.names import METRICS, Kind
from otelml.processor.family import DRIFTS, Attributes, family_of
from otelml.processor.identity import model_attributes, resource
from otelml.processor.judged import Judged
from otelml.sketch.exponential import Exponential
from otelml.wire.encode import CUMULATIVE, SCOPE, add_point, key_values
from otelml.wire.proto import Service

if TYPE_CHECKING:
    from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

_JUDGED: Final = frozenset({Verdict.OK, Verdict.WARN, Verdict.ALARM})
_COARSE: Final = 8
"""Finest scale of a histogram that Prometheus keeps as it is."""


class Gauges:
    """A metrics request under construction, of one resource."""

    def __init__(self, owner: Resource, version: str) -> None:
        self.request = ExportMetricsServiceRequest()
        whole = self.request.resource_metrics.add(resource=owner)
        self._scope = whole.scope_metrics.add(
            scope=InstrumentationScope(name=SCOPE, version=version)
        )
        self._metrics: dict[str, pb.Metric] = {}

    def add(
        self,
        name: str,
        attributes: Mapping[str, str | float | int],
        start: int,
        time: int,
        value: float | Exponential | None,
        total: float | None = None,
    ) -> None:
        """Add a point; a value that is unknown or not finite gives none."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return
        metric = self._metrics.get(name)
        row = METRICS[name]
        if metric is None:
            metric = self._metrics[name] = self._scope.metrics.add(
                name=name, unit=row.unit, description=row.description
            )
        pairs = key_values(attributes)
        if row.kind is Kind.GAUGE and not isinstance(value, Exponential):
            metric.gauge.data_points.add(
                attributes=pairs, time_unix_nano=time, as_double=float(value)
            )
            return
        add_point(metric, pairs, start, time, value, CUMULATIVE)
        if total is not None:
            metric.exponential_histogram.data_points[-1].sum = total


def gauges(service: Service, judged: Judged, since: int, version: str, now: int) -> Gauges:
    """The metrics of one evaluated window; states count from `since`.

    They are of the window's end; where labels were waited for, of `now`.
    """
    window = judged.window
    time = window.end if judged.labelled is None else now
    out = Gauges(resource(service), version)
    of_model = model_attributes(window.model)
    if judged.labelled is None:
        _of_window(out, judged, since)
    else:
        share = judged.labelled / window.rows if window.rows else None
        out.add(names.PERFORMANCE_SAMPLE_COUNT, of_model, since, time, judged.labelled)
        out.add(names.GROUND_TRUTH_RATIO, of_model, since, time, share)
        for (truth, predicted), weight in judged.confusion.items():
            pair = {names.TRUTH_CLASS: truth, names.PREDICTION_CLASS: predicted}
            out.add(names.CONFUSION_COUNT, of_model | pair, since, time, weight)
        _add_curve(out, judged, of_model, time)
    for finding in judged.findings:
        family = family_of(finding)
        attributes = of_model | family.attributes(finding)
        if finding.verdict in _JUDGED:
            is_open = int(subject_of(finding) in judged.open)
            out.add(family.state, attributes | family.subject(finding), since, time, is_open)
        for name, value in family.gauges(finding).items():
            out.add(name, attributes, since, time, value)
    for method, share in _shares(judged.findings).items():
        attributes = of_model | {names.DRIFT_METHOD: method}
        out.add(names.DRIFT_FEATURE_RATIO, attributes, since, time, share)
    return out


def _add_curve(out: Gauges, judged: Judged, of_model: Attributes, time: int) -> None:
    if judged.curve is None:
        return
    both = zip(judged.curve.probability.tolist(), judged.curve.frequency.tolist(), strict=True)
    for number, (probability, frequency) in enumerate(both, 1):
        tenth = of_model | {names.CURVE_BIN: number}
        out.add(names.CURVE_PROBABILITY, tenth, time, time, probability)
        out.add(names.CURVE_FREQUENCY, tenth, time, time, frequency)


def _of_window(out: Gauges, judged: Judged, since: int) -> None:
    """What is told of a window of sketches itself, and of its baseline."""
    window = judged.window
    of_model = model_attributes(window.model)
    out.add(names.WINDOW_SAMPLE_COUNT, of_model, since, window.end, window.rows)
    length = (window.end - window.start) / 1e9
    out.add(names.WINDOW_LENGTH, of_model, since, window.end, length)
    if judged.baseline is not None:
        about: Attributes = of_model | {names.BASELINE_ID: judged.baseline.id}
        out.add(names.BASELINE_SAMPLE_COUNT, about, since, window.end, judged.baseline.rows)
        age = (window.end - judged.baseline.created) / 1e9
        out.add(names.BASELINE_AGE, about, since, window.end, age)


def pending(
    counts: Mapping[Owner, int], since: int, version: str, now: int
) -> ExportMetricsServiceRequest:
    """How many predictions wait for a label, on the resources of their services."""
    whole: dict[Service, Gauges] = {}
    for owner, count in counts.items():
        service = Service(owner.service, owner.namespace, owner.environment)
        if service not in whole:
            whole[service] = Gauges(resource(service), version)
        of_model = model_attributes(Model(owner.model, owner.version))
        whole[service].add(names.GROUND_TRUTH_PENDING, of_model, since, now, count)
    request = ExportMetricsServiceRequest()
    for out in whole.values():
        request.MergeFrom(out.request)
    return request


def _shares(findings: Iterable[Finding]) -> dict[str, float]:
    """Share of the features judged that drifted, by method."""
    seen: dict[str, list[bool]] = {}
    for finding in findings:
        judged = finding.verdict in _JUDGED and finding.limits.alarm is not None
        of_all = finding.role is Role.FEATURE and not segment_of(finding.labels)
        if judged and of_all and family_of(finding) is DRIFTS:
            seen.setdefault(finding.check, []).append(finding.verdict is Verdict.ALARM)
    return {method: sum(alarms) / len(alarms) for method, alarms in seen.items()}


def coarse(histogram: Exponential) -> Exponential:
    """The same no finer than backends keep it."""
    return histogram.rescale(_COARSE) if histogram.scale > _COARSE else histogram
