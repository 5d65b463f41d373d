"""Predicted rows as events of the app's own loggers, bounded while they wait to be exported."""

import threading
import weakref
from collections.abc import Iterable
from importlib.metadata import version
from typing import Final

from opentelemetry import _logs as logs
from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.attributes import BoundedAttributes

from otelml import names
from otelml.data import Model, Prediction
from otelml.wire.rows import MOST, columns

WAITING: Final = 131_072
"""Rows that may wait for the app's exporter; while nobody takes them, more are left out."""


class Sender:
    """Emits `ml.inference.records`, and knows how many of its rows are still held by the SDK."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # records go when they go
        self._waiting = 0

    @staticmethod
    def wanted() -> bool:
        """Whether there is an SDK that takes events."""
        provider = logs.get_logger_provider()
        return hasattr(provider, "force_flush") and not isinstance(
            provider.get_logger("otelml"), NoOpLogger
        )

    def send(self, rows: Iterable[tuple[Model, Prediction]]) -> int:
        """Emit rows, so many of one model an event; how many were left out."""
        alike: dict[tuple[Model, tuple[str, ...]], list[Prediction]] = {}
        for model, row in rows:
            scored = tuple(name for name, _ in row.scores)
            alike.setdefault((model, scored), []).append(row)
        dropped = 0
        for (model, _), held in alike.items():
            for start in range(0, len(held), MOST):
                dropped += self._emit(model, held[start : start + MOST])
        return dropped

    def _emit(self, model: Model, rows: list[Prediction]) -> int:
        with self._lock:
            if self._waiting + len(rows) > WAITING:
                return len(rows)
            self._waiting += len(rows)
        record = LogRecord(
            timestamp=rows[-1].time,
            severity_number=SeverityNumber.INFO,
            attributes=columns(model, rows),
            event_name=names.RECORDS_EVENT,
        )
        try:
            logs.get_logger("otelml", version("otelml")).emit(record)
        finally:  # the SDK copies the record, but holds the attributes that it made of ours
            held = record.attributes if isinstance(record.attributes, BoundedAttributes) else record
            weakref.finalize(held, self._gone, len(rows)).atexit = False
        return 0

    def _gone(self, rows: int) -> None:
        """The SDK let go of a record; the interpreter may say so at any moment."""
        with self._lock:
            self._waiting -= rows

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._lock, self._waiting = threading.RLock(), 0
