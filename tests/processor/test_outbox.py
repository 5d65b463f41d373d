"""Findings leave the store one by one: none is sent twice, and none holds up the others."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)

from otelml.processor.config import GrpcExporter
from otelml.processor.outbox import Outbox
from otelml.processor.refusal import RefusalError
from otelml.processor.signals import Signal
from otelml.store.journal import Journal, Letter

Wait = Callable[..., Awaitable[None]]


class Backend:
    """Takes everything but `bad`, which may always come again."""

    def __init__(self, bad: bytes = b"", answer: bytes = b"") -> None:
        self.taken: list[bytes] = []
        self._bad, self._answer = bad, answer

    async def send(self, _: Signal, body: bytes) -> bytes:
        if body == self._bad:
            raise RefusalError(grpc.StatusCode.UNAVAILABLE, "later")
        self.taken.append(body)
        return self._answer

    async def close(self) -> None:
        pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    opened = Journal(f"sqlite:///{path}")
    letters = [Letter("back", Signal.LOGS, body) for body in (b"one", b"two")]
    await opened.snapshot(b"{}", 0, letters)
    yield opened
    opened.close()


async def test_what_was_taken_is_not_sent_again_when_it_cannot_be_forgotten(
    journal: Journal, path: Path, eventually: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk refuses to delete, too, and may be full for hours."""
    backend = Backend()
    box = Outbox("back", backend, journal, 100)
    with sqlite3.connect(path) as other:
        refuse = "BEGIN SELECT RAISE(ABORT, 'full'); END"
        other.execute(f"CREATE TRIGGER full BEFORE DELETE ON outbox {refuse}")
        other.commit()
        box.start()
        await eventually(lambda: 2 <= caplog.text.count("full"), 60)
        assert [b"one"] == backend.taken
        other.execute("DROP TRIGGER full")
        other.commit()
    other.close()
    await eventually(lambda: 2 <= len(backend.taken), 60)
    await box.stop()
    assert [b"one", b"two"] == backend.taken
    assert 0 == box.dropped


async def test_what_is_always_refused_for_now_holds_up_the_others_for_a_time(
    journal: Journal, eventually: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    backend = Backend(bad=b"one")
    box = Outbox("back", backend, journal, 100, patience=0.5)
    box.start()
    await eventually(lambda: [b"two"] == backend.taken, 60)
    await box.stop()
    assert 1 == box.dropped
    assert "back does not take findings yet: later" in caplog.messages
    assert "back refused findings: later" in caplog.messages


async def test_what_may_wait_for_ever_is_never_given_up(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    for_ever = GrpcExporter(endpoint="x:1", max_elapsed_time=0.0).patience
    box = Outbox("back", Backend(bad=b"one"), journal, 100, for_ever)
    for _ in range(3):
        await box.flush()
        await asyncio.sleep(0.01)
    assert 0 == box.dropped
    assert 3 == caplog.text.count("does not take findings yet")
    assert await journal.first("back") is not None


async def test_what_was_left_out_of_findings_is_told(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not be sent again, and a backend that is full says no more than this."""
    partial = ExportLogsPartialSuccess(rejected_log_records=3, error_message="too old")
    answer = ExportLogsServiceResponse(partial_success=partial).SerializeToString()
    backend = Backend(answer=answer)
    box = Outbox("back", backend, journal, 100)
    await box.flush()
    assert [b"one", b"two"] == backend.taken
    assert 6 == box.dropped
    assert "back left out 3 findings: too old" in caplog.messages


@pytest.mark.parametrize("answer", [b"", b"\xff", b"\x0a\x00"])
async def test_an_answer_without_news_is_none(
    journal: Journal, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    backend = Backend(answer=answer)
    box = Outbox("back", backend, journal, 100)
    await box.flush()
    assert ([b"one", b"two"], 0, "") == (backend.taken, box.dropped, caplog.text)
