"""Predicted rows as events of the app's own loggers."""

from collections.abc import Iterable
from importlib.metadata import version

from opentelemetry import _logs as logs
from opentelemetry._logs import LogRecord, SeverityNumber

from otelml import names
from otelml.data import Model, Prediction
from otelml.wire.rows import MOST, columns


def send(rows: Iterable[tuple[Model, Prediction]]) -> None:
    """Emit `ml.inference.records`, so many rows of one model an event."""
    alike: dict[tuple[Model, tuple[str, ...]], list[Prediction]] = {}
    for model, row in rows:
        scored = tuple(name for name, _ in row.scores)
        alike.setdefault((model, scored), []).append(row)
    logger = logs.get_logger("otelml", version("otelml")) if alike else None
    for (model, _), held in alike.items():
        for start in range(0, len(held), MOST):
            some = held[start : start + MOST]
            record = LogRecord(
                timestamp=some[-1].time,
                severity_number=SeverityNumber.INFO,
                attributes=columns(model, some),
                event_name=names.RECORDS_EVENT,
            )
            if logger is not None:
                logger.emit(record)
