"""OTLP protobuf and the records of this project, both ways; the door to it for other packages."""

from otelml.wire.decode import Decoder, Service, Stream, StreamPoint, points
from otelml.wire.deltas import Deltas
from otelml.wire.encode import series_metrics, window_metrics
from otelml.wire.values import BadPointError

__all__ = [
    "BadPointError",
    "Decoder",
    "Deltas",
    "Service",
    "Stream",
    "StreamPoint",
    "points",
    "series_metrics",
    "window_metrics",
]
