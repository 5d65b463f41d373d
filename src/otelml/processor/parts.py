"""Requests in parts that a backend takes: findings of many features are larger than it allows.

gRPC's servers, a stock Collector among them, refuse what is larger than 4 MiB, and for good.
"""

from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

MOST: Final = 2 << 20
"""Bytes of a request."""

_LISTS: Final = {
    ExportMetricsServiceRequest: ("resource_metrics", "scope_metrics", "metrics"),
    ExportLogsServiceRequest: ("resource_logs", "scope_logs", "log_records"),
}


def parts(request: Any) -> list[bytes]:
    """What a request says, in order, in requests of their own; it is used up.

    None is larger than `MOST`, unless a single point or record is.
    """
    if request.ByteSize() <= MOST or not (items := _several(request)):
        return [request.SerializeToString()]
    rest = type(request)()
    rest.CopyFrom(request)
    half = len(items) // 2
    del items[half:]
    del _several(rest)[:half]
    return [*parts(request), *parts(rest)]


def _several(request: Any) -> Any:
    """The outermost list of several things in a request, empty if it says a single one."""
    held = request
    for name in _LISTS[type(request)]:
        items = getattr(held, name)
        if len(items) != 1:
            return items
        held = items[0]
    if name == "log_records":
        return ()
    points = getattr(held, held.WhichOneof("data")).data_points
    return points if len(points) > 1 else ()
