"""What one data point of OTLP holds, checked; a point that cannot be used says why."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from otelml.sketch.array import Ints
from otelml.sketch.buckets import COARSEST, FINEST, Buckets
from otelml.sketch.exponential import Exponential
from otelml.sketch.probability import BOUNDS, Probability

Value: TypeAlias = Exponential | Probability | float

_BOUNDS: Final = BOUNDS.tolist()
_NO_VALUE: Final = pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_LARGEST: Final = 2**53
_MOST_BUCKETS: Final = 16_384
_ONES: Final = np.ones(_MOST_BUCKETS)

NOTHING: Final = Buckets(0, np.zeros(0, np.int64))


class BadPointError(ValueError):
    """A point that cannot be used; its text is the reason that it is counted under."""


def check_time(start: int, end: int, flags: int) -> None:
    """Refuse a point without a value, or without a time that can be counted in.

    Raises:
        BadPointError: it is one.

    """
    if flags & _NO_VALUE:
        raise BadPointError("no_recorded_value")
    if not 0 < end < 2**63:
        raise BadPointError("time")
    if start > end:
        raise BadPointError("start_after_end")


def _exponential(point: pb.ExponentialHistogramDataPoint, origin: float) -> Exponential:
    scale, zeros, count = point.scale, point.zero_count, point.count
    if not COARSEST <= scale <= FINEST:
        raise BadPointError("scale")
    positive, up = _buckets(point.positive) if point.HasField("positive") else (NOTHING, 0)
    negative, down = _buckets(point.negative) if point.HasField("negative") else (NOTHING, 0)
    if zeros + up + down != count or count >= _LARGEST:
        raise BadPointError("bucket_counts")
    low, high = math.nan, math.nan
    if point.HasField("min") and point.HasField("max"):
        low, high = point.min, point.max
        if not -math.inf < low <= high < math.inf:
            raise BadPointError("extremes")
    if not up and not down:
        scale = FINEST
    return Exponential(scale, zeros, positive, negative, low, high, origin)


def _buckets(side: pb.ExponentialHistogramDataPoint.Buckets) -> tuple[Buckets, int]:
    sent = side.bucket_counts
    if not sent:
        return NOTHING, 0
    counts, total = _counted(sent)
    if sent[0] and sent[-1]:
        return Buckets(side.offset, counts), total
    return Buckets.dense(side.offset, counts), total


def _counted(sent: Any) -> tuple[Ints, int]:
    """Counts as an array, and their sum.

    They are read as doubles: these are exact as far as is allowed, and beyond do not wrap around.
    The sum is a product with ones, which takes half the time of numpy's sum.
    """
    if len(sent) > _MOST_BUCKETS:
        raise BadPointError("bucket_counts")
    counts = np.asarray(sent, np.float64)
    total = int(counts.dot(_ONES[: counts.size]))
    if total >= _LARGEST:
        raise BadPointError("bucket_counts")
    return counts.astype(np.int64), total


def _shares(point: pb.HistogramDataPoint, _: float) -> Probability:
    if point.explicit_bounds[:] != _BOUNDS:
        raise BadPointError("bounds")
    counts, total = _counted(point.bucket_counts)
    if counts.size != len(_BOUNDS) + 1 or total != point.count:
        raise BadPointError("bucket_counts")
    if not math.isfinite(point.sum):
        raise BadPointError("not_finite")
    return Probability(counts, point.sum)


def _number(point: pb.NumberDataPoint, _: float) -> float:
    match point.WhichOneof("value"):
        case "as_int":
            return point.as_int
        case "as_double" if math.isfinite(point.as_double):
            return point.as_double
        case "as_double":
            raise BadPointError("not_finite")
        case _:
            raise BadPointError("no_value")


READERS: Final[Mapping[str, Callable[[Any, float], Value]]] = MappingProxyType(
    {"exponential_histogram": _exponential, "histogram": _shares, "sum": _number}
)
"""What reads a point, by the kind of its metric; it raises BadPointError."""
