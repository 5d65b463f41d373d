"""The contract with the SDK, under the real `opentelemetry-instrument` command."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.sink import Sink, grpc_sink, http_sink

APP = """
import numpy as np
from sklearn.linear_model import LinearRegression
X = np.random.default_rng(0).normal(-5, 1, (500, 2))
model = LinearRegression().fit(X, X[:, 0])
for start in range(0, 500, 50):
    model.predict(X[start:start + 50])
"""
IN_CODE_LATE = """
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    PeriodicExportingMetricReader,
)
from otelml.hooks.sklearn import SklearnInstrumentor
provider = MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter())])
SklearnInstrumentor().instrument()
set_meter_provider(provider)
"""
IN_CODE = """
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from otelml.hooks.sklearn import SklearnInstrumentor
SklearnInstrumentor().instrument()
set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
"""
SCRAPED = """
from prometheus_client import REGISTRY, generate_latest
print(generate_latest(REGISTRY).decode())
"""
FORKED = """
import os
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
model.predict(X[:7])
"""


def run(source: str, *, instrumented: bool = True, **environment: str) -> str:
    """What a script prints that runs under the real command, traces and logs not exported."""
    command = [sys.executable, "-c", source]
    if instrumented:
        command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), *command]
    done = subprocess.run(
        command,
        env=os.environ
        | {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def told(sink: Sink) -> tuple[int, int, int]:
    """Rows predicted, values of a feature, values in its negative buckets."""
    predictions = sum(point.as_int for point in sink.points("ml.inference.predictions"))
    values = [p for p in sink.points("ml.feature.value") if _feature(p) == "x0"]
    negative = sum(sum(p.negative.bucket_counts) for p in values)
    return predictions, sum(p.count for p in values), negative


def _feature(point: Any) -> str:
    attributes = {a.key: a.value.string_value for a in point.attributes}
    return str(attributes.get("ml.feature.name", ""))


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_otlp_over_grpc_carries_everything(temporality: str) -> None:
    with grpc_sink() as sink:
        run(
            APP,
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=temporality,
        )
        assert (500, 500, 500) == told(sink)
        points = sink.points("ml.feature.value")
        assert not any(point.HasField("sum") for point in points)


def test_otlp_over_http_carries_everything() -> None:
    with http_sink() as sink:
        run(
            APP,
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
        assert (500, 500, 500) == told(sink)


def test_an_sdk_configured_in_code_is_served() -> None:
    with http_sink() as sink:
        run(IN_CODE + APP, instrumented=False, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)
        assert (500, 500, 500) == told(sink)


def test_an_sdk_that_is_older_than_the_hooks_but_set_after_them_is_served() -> None:
    assert '"ml.inference.predictions"' in run(IN_CODE_LATE + APP, instrumented=False)


def test_a_disabled_sdk_gets_nothing() -> None:
    shown = run(APP, OTEL_METRICS_EXPORTER="console", OTEL_SDK_DISABLED="true")
    assert "ml." not in shown


def test_the_console_shows_our_metrics() -> None:
    assert '"ml.feature.sum_of_squares"' in run(APP, OTEL_METRICS_EXPORTER="console")


def test_the_prometheus_reader_gets_explicit_buckets() -> None:
    text = run(
        APP + SCRAPED,
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT="0",
    )
    lines = [line for line in text.splitlines() if line.startswith("ml_feature_value_bucket")]
    counts = [line for line in lines if 'le="+Inf"' in line]  # bounds are negative: no _count
    assert 2 == len(counts)
    assert all(line.endswith(" 500.0") for line in counts)
    assert "ml_inference_duration_seconds_bucket" in text


def test_several_readers_each_get_everything() -> None:
    with grpc_sink() as sink:
        text = run(
            APP, OTEL_METRICS_EXPORTER="otlp,console", OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint
        )
        assert (500, 500, 500) == told(sink)
        assert '"ml.feature.value"' in text


def test_a_fork_doubles_nothing() -> None:
    with grpc_sink() as sink:
        run(APP + FORKED, OTEL_METRICS_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)
        by_process = [
            sum(
                point.as_int
                for scope in resource.scope_metrics
                for metric in scope.metrics
                if metric.name == "ml.inference.predictions"
                for point in metric.sum.data_points
            )
            for request in sink.requests
            for resource in request.resource_metrics
        ]
        assert [7, 507] == sorted(set(by_process))


def test_without_an_sdk_nothing_happens() -> None:
    source = "from otelml.hooks.sklearn import SklearnInstrumentor as S\nS().instrument()\n"
    assert "" == run(source + APP, instrumented=False)


def test_a_disabled_hook_stays_out() -> None:
    text = run(
        APP,
        OTEL_METRICS_EXPORTER="console",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="otelml-sklearn",
    )
    assert "ml.feature" not in text


OWN = """
import time
from opentelemetry import metrics, trace
from opentelemetry._logs import LogRecord, get_logger
metrics.get_meter("app").create_counter("c").add(1)
trace.get_tracer("app").start_span("s").end()
get_logger("app").emit(LogRecord(timestamp=time.time_ns(), body="l"))
print(time.time())
"""
PAIRS = 3


@pytest.mark.parametrize(("protocol", "silent"), [("grpc", False), ("http/protobuf", True)])
def test_a_dead_collector_delays_the_exit_by_a_second_at_most(protocol: str, silent: bool) -> None:
    """Beside the same app without our hooks, which has signals of its own to send in vain.

    Nobody listens, or who listens never answers. The SDK waits for random times between its
    attempts, so pairs that run side by side are compared, by the median of their differences.
    """
    hooks = entry_points(group="opentelemetry_instrumentor")
    ours = ",".join(hook.name for hook in hooks if hook.name.startswith("otelml-"))
    with socket.create_server(("127.0.0.1", 0)) as hole, ThreadPoolExecutor(2) as pool:
        address = f"http://127.0.0.1:{hole.getsockname()[1] if silent else 9}"

        def difference() -> float:
            apps = [pool.submit(leaving, off, protocol, address) for off in (ours, "")]
            without, with_ours = (app.result() for app in apps)
            return with_ours - without

        assert median(difference() for _ in range(PAIRS)) <= 1


def leaving(disabled: str, protocol: str, address: str) -> float:
    """Seconds that the app takes to end after its last line."""
    said = run(
        APP + OWN,
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_METRICS_EXPORTER="otlp",
        OTEL_LOGS_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT=address,
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=disabled,
    )
    return time.time() - float(said)
