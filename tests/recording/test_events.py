"""Predicted rows that nobody takes are bounded; those that are taken make room."""

import gc

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)

from otelml.data import Model, Prediction
from otelml.recording.events import WAITING, Sender
from otelml.recording.rows import Predicted
from otelml.wire import records
from otelml.wire.rows import MOST

ROWS = [Predicted(Model("fraud"), Prediction(f"id-{i}", i + 1, "yes")) for i in range(MOST)]


def given(monkeypatch: pytest.MonkeyPatch, provider: object) -> None:
    monkeypatch.setattr("opentelemetry._logs._internal._LOGGER_PROVIDER", provider)


def test_rows_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    processor = BatchLogRecordProcessor(exporter, schedule_delay_millis=3_600_000)
    provider.add_log_record_processor(processor)
    given(monkeypatch, provider)
    sender = Sender()
    dropped = sum(sender.send(ROWS) for _ in range(WAITING // MOST + 3))
    assert 3 * MOST == dropped
    provider.force_flush()
    exporter.clear()
    gc.collect()
    assert 0 == sender.send(ROWS)
    provider.shutdown()


def test_an_id_that_utf_8_cannot_say_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    given(monkeypatch, provider)
    odd = Predicted(Model("fraud"), Prediction("\ud83d", 1, "yes"))
    Sender().send([ROWS[0], odd])
    body = encode_logs(exporter.get_finished_logs()).SerializeToString()
    found = records.read(body, keep=False)
    assert ["id-0", "?"] == [row.id for _, _, row in found.predictions]


def test_without_an_sdk_nothing_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, None)
    monkeypatch.delenv("OTEL_PYTHON_LOGGER_PROVIDER", raising=False)
    assert not Sender.wanted()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(
        SimpleLogRecordProcessor(InMemoryLogRecordExporter())  # type: ignore[no-untyped-call]
    )
    given(monkeypatch, provider)
    assert Sender.wanted()
