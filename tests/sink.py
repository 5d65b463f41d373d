"""An OTLP endpoint that keeps what it gets: the far end of a test."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def told(held: Any) -> dict[str, Any]:
    """Attributes as a mapping."""
    return {
        attribute.key: getattr(
            attribute.value, attribute.value.WhichOneof("value") or "string_value"
        )
        for attribute in held.attributes
    }


class Sink:
    """Requests received, and where to send them."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.requests: list[ExportMetricsServiceRequest] = []
        self.traces: list[ExportTraceServiceRequest] = []
        self.logs: list[ExportLogsServiceRequest] = []
        self.stuck = ""
        """The signal, as `metrics`, whose requests over HTTP get no answer until `freed`."""
        self.freed = threading.Event()

    def spans(self, *, ours: bool = True) -> list[Any]:
        """Spans received: ours, or all of them."""
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if not ours or scope.scope.name == "otelml"
        ]

    def total(self, name: str, **attributes: str) -> float:
        """Sum over all delta points of a metric with these attributes (`_` for a dot)."""
        return sum(
            getattr(point, "count", 0) or getattr(point, "as_int", 0)
            for request in self.requests
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in getattr(metric, metric.WhichOneof("data") or "gauge").data_points
            if attributes.items()
            <= {k.replace(".", "_"): v for k, v in told(point).items()}.items()
        )

    def instances(self) -> set[str]:
        """Processes that sent metrics of ours, by their `service.instance.id` (of SDK 1.44 on)."""
        return {
            told(resource.resource).get("service.instance.id", "")
            for request in self.requests
            for resource in request.resource_metrics
            if any(scope.scope.name == "otelml" for scope in resource.scope_metrics)
        }

    def events(self, name: str) -> list[dict[str, Any]]:
        """Attributes of the events of that name."""
        return [
            told(record)
            for request in self.logs
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
            if record.event_name == name
        ]

    def points(self, name: str) -> list[Any]:
        """The last reported points of a metric, of the first resource that has it."""
        found: list[Any] = []
        for request in self.requests:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == name:
                            data = getattr(metric, metric.WhichOneof("data") or "gauge")
                            found = list(data.data_points)
        return found


@contextmanager
def http_sink(port: int = 0) -> Iterator[Sink]:
    """A sink that speaks OTLP/HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            match self.path:
                case "/v1/metrics":
                    sink.requests.append(ExportMetricsServiceRequest.FromString(body))
                case "/v1/traces":
                    sink.traces.append(ExportTraceServiceRequest.FromString(body))
                case "/v1/logs":
                    sink.logs.append(ExportLogsServiceRequest.FromString(body))
            if self.path == f"/v1/{sink.stuck}":
                sink.freed.wait()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    sink = Sink(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def grpc_sink() -> Iterator[Sink]:
    """A sink that speaks OTLP/gRPC."""

    class Servicer(MetricsServiceServicer):
        def Export(  # noqa: N802 - the protocol's name
            self, request: Any, context: Any
        ) -> ExportMetricsServiceResponse:
            sink.requests.append(request)
            return ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    add_MetricsServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    sink = Sink(f"http://127.0.0.1:{port}")
    server.start()
    try:
        yield sink
    finally:
        server.stop(0).wait()
