"""What the hooks add to a call, beside the SDK's own instruments, in one run.

Ratios are what counts: the machine's speed is the same for both sides of each.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sklearn.linear_model import LinearRegression

from otelml.hooks import _patch
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.recording.process import Process
from otelml.recording.settings import Settings
from otelml.sketch.matrix import Matrix

FEATURES, CALLS = 20, 2000
RNG = np.random.default_rng(0)
X = RNG.normal(10, 1, (CALLS, FEATURES))
MODEL = LinearRegression().fit(X, X @ np.ones(FEATURES))
ROWS = [X[i : i + 1] for i in range(CALLS)]


def micros(work: Callable[[], Any], calls: int = CALLS, repeat: int = 7) -> float:
    """Median microseconds a call."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) / calls * 1e6)
    return statistics.median(times)


def predict_all() -> None:
    for row in ROWS:
        MODEL.predict(row)


def sdk_histograms() -> float:
    """22 values through the SDK's exponential `Histogram.record`."""
    view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([InMemoryMetricReader()], views=[view], shutdown_on_exit=False)
    histogram = provider.get_meter("bench").create_histogram("feature")
    attributes = [{"ml.model.name": "m", "ml.feature.name": f"x{i}"} for i in range(FEATURES + 2)]

    def record() -> None:
        for row in X[:300]:
            for value, told in zip((*row, 1.0, 0.1), attributes, strict=True):
                histogram.record(value, told)

    return micros(record, 300)


def hooked(*, spans: bool) -> float:
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    _patch._process = Process(Settings(spans=spans))  # noqa: SLF001
    instrumentor = SklearnInstrumentor()
    instrumentor.instrument(meter_provider=meters, tracer_provider=tracers)

    def work() -> None:
        predict_all()
        reader.get_metrics_data()  # the drain is part of the cost

    found = micros(work)
    instrumentor.uninstrument()
    _patch.process().bridge.detach()
    tracers.shutdown()
    return found


def by_hand() -> float:
    """A span written by hand around the same call, with the same exporter."""
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    tracer = tracers.get_tracer("bench")

    def work() -> None:
        for row in ROWS:
            with tracer.start_as_current_span("predict m", attributes={"ml.model.name": "m"}):
                MODEL.predict(row)

    found = micros(work)
    tracers.shutdown()
    return found


def fold(rows: int) -> float:
    """Nanoseconds a value of a matrix of 20 columns."""
    values = RNG.normal(size=(rows, FEATURES))
    matrix = Matrix(FEATURES)
    matrix.update(values)
    return micros(lambda: matrix.update(values), rows * FEATURES, 15) * 1e3


MEMORY = """
import resource, sys
import numpy as np
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sklearn.linear_model import LinearRegression
import otelml.hooks.sklearn as hook, otelml
rng = np.random.default_rng(0)
reader = InMemoryMetricReader()
provider = MeterProvider([reader], shutdown_on_exit=False)
if sys.argv[1] == "hooked":
    hook.SklearnInstrumentor().instrument(meter_provider=provider)
X = rng.normal(10, 1, (2000, 100))
models = [LinearRegression().fit(X, X[:, 0] + i) for i in range(5)]
for i, model in enumerate(models):
    otelml.name_model(model, f"m{i}")
for _ in range(3):
    for model in models:
        for start in range(0, 2000, 4):
            model.predict(X[start:start + 4])
    reader.get_metrics_data()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def memory() -> float:
    """MiB that five models of 100 features take over the same app without the hook, at its peak."""
    bare, hooked = (
        float(subprocess.check_output([sys.executable, "-c", MEMORY, kind]))
        for kind in ("bare", "hooked")
    )
    return hooked - bare


def main() -> None:
    print(f"5 models × 100 features: {memory():.1f} MiB over the app's own")
    bare = micros(predict_all)
    sdk = sdk_histograms()
    without = hooked(spans=False) - bare
    with_spans, hand = hooked(spans=True), by_hand()
    print(f"predict, one row, bare: {bare:.1f} µs")
    print(f"22 values through Histogram.record: {sdk:.1f} µs")
    print(f"added by the hooks without spans: {without:.1f} µs = 1/{sdk / without:.1f} of that")
    print(
        f"with spans: {with_spans:.1f} µs, a span by hand: {hand:.1f} µs, {with_spans / hand:.2f} ×"
    )
    for rows in (1024, 65_536):
        print(f"fold of {rows} rows × 20: {fold(rows):.1f} ns a value")


if __name__ == "__main__":
    main()
