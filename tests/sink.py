"""An OTLP endpoint that keeps what it gets: the far end of a test."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)


class Sink:
    """Requests received, and where to send them."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.requests: list[ExportMetricsServiceRequest] = []

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
def http_sink() -> Iterator[Sink]:
    """A sink that speaks OTLP/HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/metrics":
                sink.requests.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
