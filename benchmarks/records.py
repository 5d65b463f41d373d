"""What it costs an app that predicted rows leave, for labels: `OTELML_RECORDS` true beside false.

Caller: CPU of the thread that predicts. Background: CPU of the drain, and of the export up to the
bytes of OTLP. Turns of both sides are interleaved; the medians' differences are told.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from opentelemetry import _logs as logs
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from sklearn.linear_model import LogisticRegression

from otelml.hooks import _patch
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.recording import events, process
from otelml.recording.process import Process
from otelml.recording.settings import Settings
from otelml.wire.rows import columns

FEATURES, TURNS = 20, 25
RNG = np.random.default_rng(0)
X = RNG.normal(10, 1, (8192, FEATURES))
MODEL = LogisticRegression(max_iter=1000).fit(X[:2000], X[:2000, 0] > 10)
CASES: Final = {
    "one row": [X[i : i + 1] for i in range(2000)],
    "1,024 rows": [X[i : i + 1024] for i in range(0, len(X), 1024)],
}
SPENT: Counter[str] = Counter()


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """The same, its CPU counted."""

    def run(*args: Any) -> Any:
        started = time.thread_time()
        found = work(*args)
        SPENT[name] += time.thread_time() - started  # type: ignore[assignment]
        return found

    return run


class Encoder(LogRecordExporter):
    """Goes as far as the bytes that the exporter of OTLP would send."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        SPENT["bytes"] += len(encoded(batch))
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return timeout_millis > 0


encoded = timed("encoding", lambda batch: encode_logs(batch).SerializeToString())


class Side:
    """An app with records, or without."""

    def __init__(self, *, records: bool) -> None:
        self._records = records
        self._reader = InMemoryMetricReader()
        self._meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._tracers = TracerProvider(shutdown_on_exit=False)
        self.caller: list[float] = []
        self.drain: list[float] = []

    def turn(self, calls: list[Any]) -> None:
        """Predict all, then drain."""
        _patch._process = Process(Settings(records=self._records))  # noqa: SLF001
        hook = SklearnInstrumentor()
        hook.instrument(meter_provider=self._meters, tracer_provider=self._tracers)
        MODEL.predict_proba(calls[0])
        self._reader.get_metrics_data()
        SPENT.clear()
        started = time.thread_time()
        for call in calls:
            MODEL.predict_proba(call)
        self.caller.append(time.thread_time() - started)
        started = time.thread_time()
        self._reader.get_metrics_data()
        self.drain.append(time.thread_time() - started)
        hook.uninstrument()
        _patch.process().bridge.detach()


def main() -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(Encoder()))
    logs.set_logger_provider(provider)
    vars(events)["columns"] = timed("columns", columns)
    send = events.Sender.send
    vars(process)["Sender"] = type("Timed", (events.Sender,), {"send": timed("sending", send)})
    for name, calls in CASES.items():
        rows = sum(map(len, calls))
        sides, parts = (Side(records=False), Side(records=True)), []
        for turn in range(TURNS):
            for side in sides if turn % 2 else sides[::-1]:
                side.turn(calls)
                if side is sides[1]:
                    parts.append(Counter(SPENT))
        spent = {key: statistics.median(part[key] for part in parts) for key in parts[0]}
        micro = 1e6 / rows
        caller, drain = (
            (without, with_ - without)
            for without, with_ in (
                [statistics.median(getattr(side, kind)) * micro for side in sides]
                for kind in ("caller", "drain")
            )
        )
        sending, tables, encoding = (
            spent[key] * micro for key in ("sending", "columns", "encoding")
        )
        print(f"{name} a call, µs a row:")
        print(f"  caller: {caller[0]:.2f} without, +{caller[1]:.2f} with records")
        print(f"  background: {drain[0]:.2f} without, +{drain[1]:.2f} with records:")
        print(
            f"    rows {drain[1] - sending:.2f}, columns {tables:.2f}, "
            f"SDK {sending - tables - encoding:.2f}, encoding {encoding:.2f}"
        )
        print(f"  {spent['bytes'] / rows:.0f} bytes a row")


if __name__ == "__main__":
    main()
