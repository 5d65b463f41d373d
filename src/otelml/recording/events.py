"""Predicted rows as events of the app's own loggers, bounded while they wait to be exported."""

import threading
import weakref
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry import _logs as logs
from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.attributes import BoundedAttributes

from otelml import names
from otelml.data import Model, Prediction
from otelml.recording.rows import Predicted
from otelml.wire.rows import MOST, columns, details

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

    def send(self, rows: Iterable[Predicted]) -> int:
        """Emit rows, so many of one model an event; how many were left out.

        Rows that show their features have an event of their own besides.
        """
        alike: dict[tuple[Model, tuple[str, ...]], list[Prediction]] = {}
        dropped = 0
        for model, row, inputs in rows:
            scored = tuple(name for name, _ in row.scores)
            alike.setdefault((model, scored), []).append(row)
            if inputs is not None:
                self._emit(names.DETAILS_EVENT, details(model, row, inputs), row, 1)
        for (model, _), held in alike.items():
            for start in range(0, len(held), MOST):
                some = held[start : start + MOST]
                dropped += self._emit(
                    names.RECORDS_EVENT, columns(model, some), some[-1], len(some)
                )
        return dropped

    def _emit(self, name: str, attributes: dict[str, Any], last: Prediction, rows: int) -> int:
        with self._lock:
            if self._waiting + rows > WAITING:
                return rows
            self._waiting += rows
        record = LogRecord(
            timestamp=last.time,
            severity_number=SeverityNumber.INFO,
            attributes=attributes,
            event_name=name,
        )
        try:
            logs.get_logger("otelml", names.VERSION).emit(record)
        finally:  # the SDK copies the record, but holds the attributes that it made of ours
            held = record.attributes if isinstance(record.attributes, BoundedAttributes) else record
            weakref.finalize(held, self._gone, rows).atexit = False
        return 0

    def _gone(self, rows: int) -> None:
        """The SDK let go of a record; the interpreter may say so at any moment."""
        with self._lock:
            self._waiting -= rows

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._lock, self._waiting = threading.RLock(), 0
