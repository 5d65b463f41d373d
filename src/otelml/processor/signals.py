"""The three signals: where each is received, and which messages carry it."""

from enum import StrEnum
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces


class Signal(StrEnum):
    """A kind of telemetry."""

    METRICS = "metrics"
    LOGS = "logs"
    TRACES = "traces"

    @property
    def method(self) -> str:
        """The gRPC method."""
        return f"/{_SERVICES[self]}/Export"

    @property
    def service(self) -> str:
        """The gRPC service."""
        return _SERVICES[self]

    @property
    def path(self) -> str:
        """The HTTP path."""
        return f"/v1/{self}"

    @property
    def request(self) -> Any:
        """The message of a request."""
        return _REQUESTS[self]

    @property
    def response(self) -> Any:
        """The message of an answer."""
        return _RESPONSES[self]


_PACKAGE: Final = "opentelemetry.proto.collector"
_SERVICES: Final = {
    Signal.METRICS: f"{_PACKAGE}.metrics.v1.MetricsService",
    Signal.LOGS: f"{_PACKAGE}.logs.v1.LogsService",
    Signal.TRACES: f"{_PACKAGE}.trace.v1.TraceService",
}
_REQUESTS: Final[dict[Signal, Any]] = {
    Signal.METRICS: metrics.ExportMetricsServiceRequest,
    Signal.LOGS: logs.ExportLogsServiceRequest,
    Signal.TRACES: traces.ExportTraceServiceRequest,
}
_RESPONSES: Final[dict[Signal, Any]] = {
    Signal.METRICS: metrics.ExportMetricsServiceResponse,
    Signal.LOGS: logs.ExportLogsServiceResponse,
    Signal.TRACES: traces.ExportTraceServiceResponse,
}
