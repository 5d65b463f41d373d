"""What the processor costs on one core, beside a stock Collector where its binary is at hand.

    python benchmarks/processor.py [--collector PATH]

Points: exponential points of 160 buckets, cumulative, decoded and folded in this process. Foreign
spans: requests of 500 spans through a processor, and through the Collector, to the same sink.
"""

import argparse
import gc
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelml.data import Key, Model, Role
from otelml.processor import config
from otelml.processor.signals import Signal
from otelml.processor.watch import Watch
from otelml.sketch.buckets import Buckets
from otelml.sketch.exponential import Exponential
from otelml.sketch.parts import Part
from otelml.wire.encode import CUMULATIVE, add_point, key_values
from otelml.wire.points import address

SECOND = 1_000_000_000
FEATURES, INSTANCES, ROUNDS = 50, 20, 10


def requests(start: int, cumulative: bool) -> list[bytes]:
    """A request an instance and round: 50 features with 160 buckets each."""
    random = np.random.default_rng(0)
    model = Model("fraud", "1")
    bodies = []
    for turn in range(1, ROUNDS + 1):
        for instance in range(INSTANCES):
            whole = ExportMetricsServiceRequest()
            owner = whole.resource_metrics.add()
            owner.resource.attributes.extend(
                key_values({"service.name": "shop", "service.instance.id": f"i-{instance}"})
            )
            metric = owner.scope_metrics.add().metrics.add(name="ml.feature.value")
            for feature in range(FEATURES):
                where = address(Key(model, Role.FEATURE, f"feature_{feature}"), Part.BODY)
                assert where is not None
                counts = random.integers(1, 200, 160) * (turn if cumulative else 1)
                if cumulative:
                    counts = np.arange(1, 161) * (turn + instance) + feature
                histogram = Exponential(
                    3, 0, Buckets(-80, counts), Buckets(0, np.zeros(0, np.int64))
                )
                begin = start if cumulative else start + (turn - 1) * SECOND
                attributes = key_values(where.attributes)
                end = start + turn * SECOND
                if cumulative:
                    add_point(metric, attributes, begin, end, histogram, CUMULATIVE)
                else:
                    add_point(metric, attributes, begin, end, histogram)
            bodies.append(whole.SerializeToString())
    return bodies


def points_a_second(cumulative: bool) -> float:
    """Points decoded and folded a second of CPU."""
    start = time.time_ns() - 3600 * SECOND
    best = float("inf")
    bodies = requests(start, cumulative)
    for _ in range(3):
        watch = Watch(config.Processor(), start - SECOND)
        now = time.time_ns()
        began = time.process_time()
        for number, body in enumerate(bodies):
            points, bad = watch.read(body, now)
            watch.fold(number, points, now)
        best = min(best, time.process_time() - began)
        assert not bad
        assert not watch.losses()
    return FEATURES * INSTANCES * ROUNDS / best


def sink() -> tuple[grpc.Server, int]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    handler = grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")
    for signal in Signal:
        handlers = grpc.method_handlers_generic_handler(signal.service, {"Export": handler})
        server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def spans() -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(key_values({"service.name": "shop"}))
    scope = resource_spans.scope_spans.add()
    for number in range(500):
        span = scope.spans.add(
            name="GET /orders",
            trace_id=os.urandom(16),
            span_id=os.urandom(8),
            start_time_unix_nano=time.time_ns(),
            end_time_unix_nano=time.time_ns(),
        )
        span.attributes.extend(
            key_values({"http.request.method": "GET", "http.route": "/orders", "n": number})
        )
    return request.SerializeToString()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def passing(command: Callable[[int, int], list[str]]) -> dict[str, float]:
    """CPU a request, and resident memory, of a process that passes 500 spans on."""
    server, port = sink()
    own = free_port()
    process = subprocess.Popen(
        command(own, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        channel = grpc.insecure_channel(f"127.0.0.1:{own}")
        grpc.channel_ready_future(channel).result(60)
        call = channel.unary_unary(Signal.TRACES.method, None, None)
        body = spans()
        watched = psutil.Process(process.pid)
        for _ in range(100):
            call(body, timeout=10)
        costs = []
        for _ in range(5):
            before = watched.cpu_times()
            for _ in range(200):
                call(body, timeout=10)
            after = watched.cpu_times()
            costs.append((after.user + after.system - before.user - before.system) / 200 * 1e6)
        return {
            "microseconds_cpu_a_request": round(float(np.median(costs))),
            "resident_mib": round(watched.memory_info().rss / 2**20),
        }
    finally:
        process.terminate()
        process.wait()
        server.stop(0)


def processor(folder: Path) -> Callable[[int, int], list[str]]:
    def command(own: int, port: int) -> list[str]:
        path = folder / "processor.yaml"
        path.write_text(
            f"""
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{own}"}}}}}}}}
processors: {{otelml: {{}}}}
exporters:
  otlp_grpc: {{endpoint: "127.0.0.1:{port}", tls: {{insecure: true}}, compression: none}}
extensions: {{storage: {{url: "sqlite:///{folder}/bench.db"}}}}
service:
  pipelines:
    metrics: {{receivers: [otlp], processors: [otelml], exporters: [otlp_grpc]}}
    traces: {{receivers: [otlp], exporters: [otlp_grpc]}}
"""
        )
        return [sys.executable, "-m", "otelml", "serve", "--config", str(path)]

    return command


def collector(folder: Path, binary: Path) -> Callable[[int, int], list[str]]:
    def command(own: int, port: int) -> list[str]:
        path = folder / "collector.yaml"
        path.write_text(
            f"""
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{own}"}}}}}}}}
exporters:
  otlp_grpc:
    endpoint: "127.0.0.1:{port}"
    tls: {{insecure: true}}
    compression: none
    sending_queue: {{enabled: false}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_grpc]}}}}
"""
        )
        return [str(binary), "--config", str(path)]

    return command


def found_collector() -> Path | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "otelml"
    binaries = [p for p in cache.glob("**/otelcol*") if p.is_file() and os.access(p, os.X_OK)]
    return binaries[0] if binaries else None


def main() -> None:
    gc.set_threshold(50_000)  # as `otelml serve` does
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--collector", type=Path, default=found_collector())
    binary: Path | None = arguments.parse_args().collector
    report: dict[str, Any] = {
        "points_a_second_cumulative": round(points_a_second(cumulative=True)),
        "points_a_second_delta": round(points_a_second(cumulative=False)),
        "resident_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    with tempfile.TemporaryDirectory() as folder:
        report["500_spans"] = {"otelml": passing(processor(Path(folder)))}
        if binary is not None:
            report["500_spans"]["collector"] = passing(collector(Path(folder), binary))
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
