"""What one data point of OTLP holds, checked; a point that cannot be used says why."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from otelml.sketch.buckets import COARSEST, FINEST
from otelml.sketch.exponential import Exponential
from otelml.sketch.probability import BOUNDS, Probability
from otelml.wire.shallow import Sides
from otelml.wire.varints import TOO_LARGE

Value: TypeAlias = Exponential | Probability | float

EXPONENTIAL: Final = "exponential_histogram"
_BOUNDS: Final = BOUNDS.tolist()
_NO_VALUE: Final = pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


_REACH: Final = {
    scale: (math.floor(-1075 * 2.0**scale), math.ceil(1024 * 2.0**scale))
    for scale in range(COARSEST, FINEST + 1)
}
"""Where the buckets of doubles begin and end, by scale: others would only blind them."""


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


def _exponential(point: Any, sides: Sides | None, origin: float) -> Exponential:
    scale = point.scale
    if not COARSEST <= scale <= FINEST:
        raise BadPointError("scale")
    if sides is None:
        raise BadPointError("bucket_counts")
    low, high = math.nan, math.nan
    if point.HasField("min") and point.HasField("max"):
        low, high = point.min, point.max
        if not -math.inf < low <= high < math.inf:
            raise BadPointError("extremes")
    positive, negative = sides
    ups, downs = len(positive.counts), len(negative.counts)
    least, most = _REACH[scale]
    if (
        positive.offset < least
        or negative.offset < least
        or positive.offset + ups > most
        or negative.offset + downs > most
    ):
        raise BadPointError("offset")
    if not ups and not downs:
        scale = FINEST
    return Exponential(scale, point.zero_count, positive, negative, low, high, origin)


def _shares(point: pb.HistogramDataPoint, *_: object) -> Probability:
    if point.explicit_bounds[:] != _BOUNDS:
        raise BadPointError("bounds")
    if len(point.bucket_counts) != len(_BOUNDS) + 1:
        raise BadPointError("bucket_counts")
    counts = np.asarray(point.bucket_counts, np.float64)  # whole below 2⁵³, and never wraps around
    total = counts.sum()
    if total != point.count or total >= TOO_LARGE:
        raise BadPointError("bucket_counts")
    if not math.isfinite(point.sum):
        raise BadPointError("not_finite")
    return Probability(counts.astype(np.int64), point.sum)


def _number(point: pb.NumberDataPoint, *_: object) -> float:
    match point.WhichOneof("value"):
        case "as_int":
            return point.as_int
        case "as_double" if math.isfinite(point.as_double):
            return point.as_double
        case "as_double":
            raise BadPointError("not_finite")
        case _:
            raise BadPointError("no_value")


READERS: Final[Mapping[str, Callable[[Any, Sides | None, float], Value]]] = MappingProxyType(
    {EXPONENTIAL: _exponential, "histogram": _shares, "sum": _number}
)
"""What reads a point, by its metric's kind, from the sides of an exponential one and the origin.

It raises BadPointError.
"""
