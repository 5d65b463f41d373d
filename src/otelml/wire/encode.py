"""Windows and series as OTLP protobuf; points are ordered, so equal content gives equal bytes."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from otelml.data import Key, Series, Sketch, Window
from otelml.names import METRICS, Kind
from otelml.sketch.exponential import Exponential
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Piece, explode
from otelml.sketch.probability import BOUNDS, Probability
from otelml.wire.points import Address, address

SCOPE: Final = "otelml"
DELTA: Final[pb.AggregationTemporality.ValueType] = pb.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE: Final[pb.AggregationTemporality.ValueType] = pb.AGGREGATION_TEMPORALITY_CUMULATIVE

_Value = str | float | int | bool


def key_values(attributes: Mapping[str, _Value]) -> list[KeyValue]:
    """Attributes as OTLP has them, ordered by name."""
    pairs = []
    for name, value in sorted(attributes.items()):
        pair = KeyValue(key=name)
        if isinstance(value, bool):
            pair.value.bool_value = value
        elif isinstance(value, int):
            pair.value.int_value = value
        elif isinstance(value, float):
            pair.value.double_value = value
        else:
            pair.value.string_value = value
        pairs.append(pair)
    return pairs


def window_metrics(window: Window) -> pb.MetricsData:
    """The window's sketches as delta metrics over its time."""
    return series_metrics(
        Series(key, window.start, window.end, sketch) for key, sketch in window.sketches.items()
    )


def series_metrics(series: Iterable[Series]) -> pb.MetricsData:
    """Series as delta metrics, one resource without attributes."""
    rows = []
    for one in series:
        for piece in explode(one.sketch, _pivot(one.sketch)):
            where = _address(one.key, piece)
            if where is not None:
                attributes = key_values(where.attributes)
                order = b"".join(pair.SerializeToString() for pair in attributes)
                rows.append((where.metric, order, one.start, one.end, attributes, piece.value))
    rows.sort(key=lambda row: row[:4])
    data = pb.MetricsData()
    scope = data.resource_metrics.add().scope_metrics.add()
    scope.scope.name = SCOPE
    metric = None
    for name, _, start, end, attributes, value in rows:
        if metric is None or metric.name != name:
            metric = scope.metrics.add(name=name, unit=METRICS[name].unit)
        add_point(metric, attributes, start, end, value)
    return data


def _address(key: Key, piece: Piece) -> Address | None:
    origin = piece.value.origin if isinstance(piece.value, Exponential) else 0.0
    return address(key, piece.part, piece.label, origin)


def _pivot(sketch: Sketch) -> float:
    """Where sums lose nothing: the shortest number within a quarter of a deviation of the mean."""
    if not isinstance(sketch, Numeric) or not sketch.moments.count:
        return 0.0
    near = 0.25 * math.sqrt(sketch.variance)
    rounded = (float(f"{sketch.mean:.{digits}g}") for digits in range(1, 18))
    return next(p for p in (0.0, *rounded) if abs(p - sketch.mean) <= near)


def add_point(
    metric: pb.Metric,
    attributes: Iterable[KeyValue],
    start: int,
    end: int,
    value: Exponential | Probability | float,
    temporality: pb.AggregationTemporality.ValueType = DELTA,
) -> None:
    """Add the point of one piece to a metric, whose kind follows from it."""
    match value:
        case Exponential():
            metric.exponential_histogram.aggregation_temporality = temporality
            point = metric.exponential_histogram.data_points.add()
            _fill_exponential(point, value)
        case Probability():
            metric.histogram.aggregation_temporality = temporality
            shares = metric.histogram.data_points.add(count=value.count, sum=value.sum)
            shares.explicit_bounds.extend(BOUNDS.tolist())
            shares.bucket_counts.extend(value.counts.tolist())
            _stamp(shares, attributes, start, end)
            return
        case _:
            metric.sum.aggregation_temporality = temporality
            metric.sum.is_monotonic = METRICS[metric.name].kind is Kind.COUNTER
            number = metric.sum.data_points.add()
            if isinstance(value, int):
                number.as_int = value
            else:
                number.as_double = value
            _stamp(number, attributes, start, end)
            return
    _stamp(point, attributes, start, end)


def _fill_exponential(point: pb.ExponentialHistogramDataPoint, histogram: Exponential) -> None:
    point.count, point.zero_count = histogram.count, histogram.zeros
    point.scale = histogram.scale
    if not np.isnan(histogram.minimum):
        point.min, point.max = histogram.minimum, histogram.maximum
    for side, buckets in (
        (point.positive, histogram.positive),
        (point.negative, histogram.negative),
    ):
        side.offset = buckets.offset
        side.bucket_counts.extend(buckets.counts.tolist())


def _stamp(
    point: pb.ExponentialHistogramDataPoint | pb.HistogramDataPoint | pb.NumberDataPoint,
    attributes: Iterable[KeyValue],
    start: int,
    end: int,
) -> None:
    point.attributes.extend(attributes)
    point.start_time_unix_nano, point.time_unix_nano = start, end
