"""What the processor costs on one core, beside a stock Collector where its binary is at hand.

    python benchmarks/processor.py [--collector PATH]

Points: exponential points of 160 buckets, cumulative, decoded and folded in this process. Foreign
spans: requests of 500 spans through a processor and through the Collector, in turns; the ratio is
that of neighbouring turns, with its quartiles.
"""

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent import futures
from contextlib import ExitStack
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

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.ports import free_port

SECOND = 1_000_000_000
FEATURES, INSTANCES, ROUNDS = 50, 20, 10
TURNS, REQUESTS = 11, 300


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
    for _ in range(TURNS):
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


class Passing:
    """A process that passes requests of 500 spans on to a sink."""

    def __init__(self, command: Callable[[int, int], list[str]], kept: ExitStack) -> None:
        server, port = sink()
        kept.callback(server.stop, 0)
        own = free_port()
        process = subprocess.Popen(
            command(own, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        kept.callback(process.wait)
        kept.callback(process.terminate)
        channel = grpc.insecure_channel(f"127.0.0.1:{own}")
        kept.callback(channel.close)
        grpc.channel_ready_future(channel).result(60)
        self._call = channel.unary_unary(Signal.TRACES.method, None, None)
        self._watched = psutil.Process(process.pid)
        self._body = spans()
        self.costs: list[float] = []

    def turn(self) -> None:
        """Note what a request costs, in microseconds of CPU."""
        before = self._watched.cpu_times()
        for _ in range(REQUESTS):
            self._call(self._body, timeout=10)
        after = self._watched.cpu_times()
        spent = after.user + after.system - before.user - before.system
        self.costs.append(spent / REQUESTS * 1e6)

    def told(self) -> dict[str, float]:
        """What the turns but the first, which warms up, told; and resident memory."""
        return {
            "microseconds_cpu_a_request": round(float(np.median(self.costs[1:]))),
            "resident_mib": round(self._watched.memory_info().rss / 2**20),
        }


def passed(commands: dict[str, Callable[[int, int], list[str]]]) -> dict[str, Any]:
    """What foreign spans cost in each of some processes, which take turns."""
    with ExitStack() as kept:
        all_ = {name: Passing(command, kept) for name, command in commands.items()}
        for _ in range(TURNS + 1):
            for one in all_.values():
                one.turn()
        found: dict[str, Any] = {name: one.told() for name, one in all_.items()}
        if len(all_) > 1:
            ours, theirs = (np.array(one.costs[1:]) for one in all_.values())
            found["ratio"] = np.quantile(ours / theirs, [0.25, 0.5, 0.75]).round(2).tolist()
    return found


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
    gc.freeze()  # as `otelml serve` does
    gc.set_threshold(50_000)
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--collector", type=Path, default=found_collector())
    binary: Path | None = arguments.parse_args().collector
    report: dict[str, Any] = {
        "points_a_second_cumulative": round(points_a_second(cumulative=True)),
        "points_a_second_delta": round(points_a_second(cumulative=False)),
        "resident_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    with tempfile.TemporaryDirectory() as folder:
        commands = {"otelml": processor(Path(folder))}
        if binary is not None:
            commands["collector"] = collector(Path(folder), binary)
        report["500_spans"] = passed(commands)
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
