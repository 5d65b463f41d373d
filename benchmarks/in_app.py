"""What the hooks add to a call, beside the SDK's own instruments, in one run.

All ways take turns, some hundred calls each, in an order that changes; what is told is the median
of the ratios of 2,000 calls. Each is the CPU of the whole process: what its batch exporter does is
part of it, at the end of each of its turns, and what other processes do is not.
"""

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from sklearn.linear_model import LinearRegression

from otelml.hooks import _patch
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.recording.process import Process
from otelml.recording.settings import Settings
from otelml.sketch.matrix import Matrix

FEATURES, CALLS, SLICE, WARM, TURNS = 20, 2000, 500, 50, 15
RNG = np.random.default_rng(0)
X = RNG.normal(10, 1, (CALLS, FEATURES))
ROWS = [X[i : i + 1] for i in range(CALLS)]
Rows = Sequence[Any]


class Sent(SpanExporter):
    """An exporter whose spans are gone afterwards, as they are once they were sent."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if spans else SpanExportResult.FAILURE


class Way:
    """One of what is compared: calls on some rows, and what is to be done after all of them."""

    def __init__(self) -> None:
        self.model = LinearRegression().fit(X, X @ np.ones(FEATURES))
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(BatchSpanProcessor(Sent()))

    def begin(self) -> None:
        """Make ready, and warm up: Python adapts its code to what it meets."""
        self.run(ROWS[:WARM])

    def run(self, rows: Rows) -> None:
        for row in rows:
            self.model.predict(row)
        self.tracers.force_flush()

    def end(self) -> None:
        """Finish the last of the calls."""

    def leave(self) -> None:
        """Leave everything as it was."""
        if SklearnInstrumentor().is_instrumented_by_opentelemetry:
            SklearnInstrumentor().uninstrument()


class Hooked(Way):
    """Calls of a model that is hooked; to drain them is part of the cost."""

    def __init__(self, *, spans: bool) -> None:
        super().__init__()
        self._reader = InMemoryMetricReader()
        self._process = _patch._process = Process(Settings(spans=spans))  # noqa: SLF001
        self._process.attach(MeterProvider([self._reader], shutdown_on_exit=False), self.tracers)

    def begin(self) -> None:
        _patch._process = self._process  # noqa: SLF001
        SklearnInstrumentor().instrument()
        super().begin()

    def end(self) -> None:
        self._reader.get_metrics_data()


class ByHand(Way):
    """A span written by hand around the same call, with the same exporter."""

    def __init__(self) -> None:
        super().__init__()
        self._tracer = self.tracers.get_tracer("bench")

    def run(self, rows: Rows) -> None:
        start, told = self._tracer.start_as_current_span, {"ml.model.name": "m"}
        for row in rows:
            with start("predict m", attributes=told):
                self.model.predict(row)
        self.tracers.force_flush()


class Histograms(Way):
    """22 values a row through the SDK's exponential `Histogram.record`."""

    def __init__(self) -> None:
        super().__init__()
        view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())
        meters = MeterProvider([InMemoryMetricReader()], views=[view], shutdown_on_exit=False)
        self._histogram = meters.get_meter("bench").create_histogram("feature")
        features = [f"x{i}" for i in range(FEATURES + 2)]
        self._attributes = [{"ml.model.name": "m", "ml.feature.name": name} for name in features]

    def run(self, rows: Rows) -> None:
        for row in rows:
            for value, told in zip((*row[0], 1.0, 0.1), self._attributes, strict=True):
                self._histogram.record(value, told)


def turn(ways: Sequence[Way], order: random.Random) -> list[float]:
    """Microseconds of CPU a call of each way."""
    spent = dict.fromkeys(ways, 0.0)
    for start in range(0, CALLS, SLICE):
        for way in order.sample(ways, len(ways)):
            way.begin()
            began = time.process_time()
            way.run(ROWS[start : start + SLICE])
            if start + SLICE == CALLS:
                way.end()
            spent[way] += time.process_time() - began
            way.leave()
    return [seconds / CALLS * 1e6 for seconds in spent.values()]


def compared() -> None:
    """Tell what the hooks add, beside the SDK's own."""
    hooked = [Hooked(spans=spans) for spans in (False, True)]
    ways = [Way(), *hooked, ByHand(), Histograms()]
    order = random.Random(0)
    turns = [turn(ways, order) for _ in range(TURNS + 1)][1:]  # the first warms up
    bare, without, spans, hand, sdk = map(statistics.median, zip(*turns, strict=True))
    print(f"predict, one row, bare: {bare:.1f} µs")
    print(f"22 values through Histogram.record: {sdk:.1f} µs")
    share = statistics.quantiles((t[1] - t[0]) / t[4] for t in turns)
    print(
        f"added by the hooks without spans: {without - bare:.1f} µs = 1/{1 / share[1]:.1f} of that "
        f"(half of the turns: 1/{1 / share[2]:.1f} to 1/{1 / share[0]:.1f})"
    )
    ratio = statistics.quantiles(t[2] / t[3] for t in turns)
    print(
        f"with spans: {spans:.1f} µs, a span by hand: {hand:.1f} µs, {ratio[1]:.2f} × "
        f"(half of the turns: {ratio[0]:.2f} to {ratio[2]:.2f})"
    )


def fold(rows: int) -> float:
    """Nanoseconds a value of a matrix of 20 columns."""
    values = RNG.normal(size=(rows, FEATURES))
    matrix = Matrix(FEATURES)
    matrix.update(values)
    spent = []
    for _ in range(15):
        began = time.process_time()
        matrix.update(values)
        spent.append(time.process_time() - began)
    return statistics.median(spent) / values.size * 1e9


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
    compared()
    for rows in (1024, 65_536):
        print(f"fold of {rows} rows × 20: {fold(rows):.1f} ns a value")


if __name__ == "__main__":
    main()
