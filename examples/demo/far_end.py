"""What stands for the backend: an OTLP/gRPC endpoint that remembers what the processor sends."""

import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from otelml import names
from otelml.sketch.buckets import Buckets
from otelml.sketch.exponential import Exponential

_DETECTED = names.DRIFT_DETECTED_EVENT


class FarEnd:
    """The endpoint, and what has reached it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests = {"metrics": 0, "logs": 0, "traces": 0}
        self.opened: list[dict[str, Any]] = []
        self.resolved: list[dict[str, Any]] = []
        self.spans: Counter[tuple[str, bytes]] = Counter()
        self._predicted: dict[tuple[str, str], int] = {}
        self._last: dict[str, Exponential] = {}
        self._recent: dict[str, deque[Exponential]] = {}
        self._server = grpc.server(ThreadPoolExecutor(4))
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(self), self._server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(_Logs(self), self._server)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(self), self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def start(self) -> None:
        """Begin to receive."""
        self._server.start()

    def stop(self) -> None:
        """Stop receiving."""
        self._server.stop(1).wait()

    @property
    def predicted(self) -> int:
        """Rows predicted, as the metric has it."""
        with self.lock:
            return sum(self._predicted.values())

    def open(self) -> set[str]:
        """Features with an open alert."""
        with self.lock:
            state: dict[tuple[str, str], int] = {}
            for change, by in ((self.opened, 1), (self.resolved, -1)):
                for alarm in change:
                    key = str(alarm["feature"]), str(alarm["check"])
                    state[key] = state.get(key, 0) + by
            return {feature for (feature, _), count in state.items() if count > 0}

    def recent(self, feature: str) -> Exponential:
        """What a feature's values were lately."""
        with self.lock:
            whole = Exponential.empty()
            for histogram in self._recent.get(feature, ()):
                whole = whole.merge(histogram)
            return whole

    def take_metrics(self, request: Any) -> None:
        """Remember predictions and features."""
        for resource in request.resource_metrics:
            process = resource.resource.SerializeToString().hex()
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == names.INFERENCE_PREDICTIONS:
                        for point in metric.sum.data_points:
                            stream = process, str(_told(point))
                            self._predicted[stream] = max(
                                self._predicted.get(stream, 0), point.as_int
                            )
                    elif metric.name == names.FEATURE_VALUE:
                        for point in metric.exponential_histogram.data_points:
                            self._take_feature(_told(point), point)

    def _take_feature(self, attributes: dict[str, Any], point: Any) -> None:
        if names.DISTRIBUTION_PART in attributes:
            return
        name = str(attributes[names.FEATURE_NAME])
        histogram = Exponential(
            point.scale,
            point.zero_count,
            Buckets.dense(point.positive.offset, list(point.positive.bucket_counts)),
            Buckets.dense(point.negative.offset, list(point.negative.bucket_counts)),
        )
        new = histogram.minus(self._last.get(name, Exponential.empty())) or histogram
        self._last[name] = histogram
        self._recent.setdefault(name, deque(maxlen=6)).append(new)

    def take_logs(self, request: Any) -> None:
        """Remember alerts that opened and resolved."""
        events = {
            names.DRIFT_DETECTED_EVENT: self.opened,
            names.QUALITY_DEGRADED_EVENT: self.opened,
            names.DRIFT_RESOLVED_EVENT: self.resolved,
            names.QUALITY_RESTORED_EVENT: self.resolved,
        }
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    if record.event_name in events:
                        events[record.event_name].append(_alarm(_told(record)))


def _alarm(told: dict[str, Any]) -> dict[str, Any]:
    quality = names.VIOLATION_TYPE in told
    return {
        "model": told.get(names.MODEL_NAME),
        "role": told.get(names.ROLE),
        "feature": told.get(names.FEATURE_NAME),
        "check": told.get(names.VIOLATION_TYPE if quality else names.DRIFT_METHOD),
        "value": told.get(names.VIOLATION_RATIO if quality else names.DRIFT_SCORE),
        "p_value": told.get(names.DRIFT_P_VALUE),
        "limits": {
            "alarm": told.get(names.VIOLATION_THRESHOLD if quality else names.DRIFT_THRESHOLD)
        },
        "verdict": "alarm",
        "window": {"start": told.get(names.WINDOW_START), "end": told.get(names.WINDOW_END)},
    }


def _told(point: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in point.attributes}


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, end: FarEnd) -> None:
        self._end = end

    def Export(self, request: Any, context: Any) -> Any:
        with self._end.lock:
            self._end.requests["metrics"] += 1
            self._end.take_metrics(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


class _Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, end: FarEnd) -> None:
        self._end = end

    def Export(self, request: Any, context: Any) -> Any:
        with self._end.lock:
            self._end.requests["logs"] += 1
            self._end.take_logs(request)
        return logs_service_pb2.ExportLogsServiceResponse()


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, end: FarEnd) -> None:
        self._end = end

    def Export(self, request: Any, context: Any) -> Any:
        with self._end.lock:
            self._end.requests["traces"] += 1
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self._end.spans.update((span.name, span.span_id) for span in scope.spans)
        return trace_service_pb2.ExportTraceServiceResponse()
