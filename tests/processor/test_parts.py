"""A request in parts says what it said, and no part is too large."""

from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otelml import names
from otelml.processor.gauges import Gauges
from otelml.processor.identity import resource
from otelml.processor.parts import MOST, parts
from otelml.sketch.exponential import Exponential
from otelml.wire.encode import SCOPE, key_values
from otelml.wire.proto import Service

LONG = "x" * 200


def metrics(*points: int) -> ExportMetricsServiceRequest:
    """So many points of each service, nine in ten of the same metric."""
    whole = ExportMetricsServiceRequest()
    for service, count in enumerate(points):
        out = Gauges(resource(Service(f"s{service}")), "1")
        for number in range(count):
            name = names.DRIFT_P_VALUE if number % 10 == 0 else names.DRIFT_SCORE
            out.add(name, {names.FEATURE_NAME: f"{number}{LONG}"}, 0, number, float(number))
        out.add(names.SERIES_COUNT, {}, 1, 2, 3)
        out.add(names.GROUND_TRUTH_DELAY, {}, 1, 2, Exponential.of([1.0]), 1.0)
        whole.MergeFrom(out.request)
    return whole


def points(request: ExportMetricsServiceRequest) -> list[bytes]:
    """Each point of a request, and all that is known of it."""
    return [
        b"|".join(
            (
                of.resource.SerializeToString(),
                scope.scope.SerializeToString(),
                f"{metric.name} {metric.unit} {metric.description} {kind} {temporality}".encode(),
                point.SerializeToString(),
            )
        )
        for of in request.resource_metrics
        for scope in of.scope_metrics
        for metric in scope.metrics
        for kind in (str(metric.WhichOneof("data")),)
        for temporality in (getattr(getattr(metric, kind), "aggregation_temporality", 0),)
        for point in getattr(metric, kind).data_points
    ]


def events(records: int) -> ExportLogsServiceRequest:
    whole = ExportLogsServiceRequest()
    of = whole.resource_logs.add(resource=resource(Service("shop")))
    scope = of.scope_logs.add()
    scope.scope.name = SCOPE
    for number in range(records):
        record = scope.log_records.add(event_name=names.DRIFT_DETECTED_EVENT)
        record.attributes.extend(key_values({names.FEATURE_NAME: f"{number}{LONG}"}))
    return whole


def records(request: ExportLogsServiceRequest) -> list[tuple[bytes, bytes, bytes]]:
    return [
        (of.resource.SerializeToString(), scope.scope.SerializeToString(), r.SerializeToString())
        for of in request.resource_logs
        for scope in of.scope_logs
        for r in scope.log_records
    ]


@pytest.mark.parametrize("given", [(30_000,), (20_000, 5, 20_000), (1,) * 5_000])
def test_every_point_is_told_once_with_all_that_is_known_of_it(given: tuple[int, ...]) -> None:
    whole = metrics(*given)
    expected, size = points(whole), whole.ByteSize()
    told = parts(whole)
    assert size > MOST
    assert len(told) <= 4 * size / MOST
    assert max(map(len, told)) <= MOST
    read = [ExportMetricsServiceRequest.FromString(part) for part in told]
    assert all(map(points, read))
    assert sorted(expected) == sorted(p for part in read for p in points(part))


def test_every_event_is_told_once() -> None:
    whole = events(20_000)
    expected, size = records(whole), whole.ByteSize()
    told = parts(whole)
    assert size > MOST
    assert max(map(len, told)) <= MOST
    assert expected == [
        record for part in told for record in records(ExportLogsServiceRequest.FromString(part))
    ]


@pytest.mark.parametrize("whole", [metrics(100, 2), events(100), ExportMetricsServiceRequest()])
def test_what_is_small_is_told_as_it_is(whole: Any) -> None:
    assert [whole.SerializeToString()] == parts(whole)


def test_what_cannot_be_parted_is_told_whole() -> None:
    point, record = ExportMetricsServiceRequest(), events(1)
    data = point.resource_metrics.add().scope_metrics.add().metrics.add().gauge.data_points.add()
    for held in (data, record.resource_logs[0].scope_logs[0].log_records[0]):
        held.attributes.extend(key_values({names.FEATURE_NAME: "x" * MOST}))
    for whole in (point, record):
        assert [whole.SerializeToString()] == parts(whole)
