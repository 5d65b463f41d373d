"""What is taken in while a backend takes its time is bounded."""

import asyncio
from typing import Any

import pytest

from otelml.processor import pipeline
from otelml.processor.pipeline import Pipeline, Route
from otelml.processor.refusal import RefusalError
from otelml.processor.signals import Signal


class Slow:
    """A backend that answers when it is let."""

    def __init__(self) -> None:
        self.taken = 0
        self.answers = asyncio.Event()

    async def send(self, _: Signal, body: bytes) -> bytes:
        self.taken += len(body)
        await self.answers.wait()
        return b""

    async def close(self) -> None:
        pass


async def test_no_more_bytes_are_under_way_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A few small requests, inflated, would be gigabytes; one has room however large it is."""
    monkeypatch.setattr(pipeline, "_MOST_HELD", 1000)
    backend = Slow()
    nothing: Any = None
    routes = {Signal.TRACES: Route(("back",), watched=False, forward=True)}
    whole = Pipeline(routes, {"back": backend}, nothing, nothing, nothing)
    sent = Signal.TRACES.request()
    sent.resource_spans.add().schema_url = "x" * 600
    body = sent.SerializeToString()
    first = asyncio.create_task(whole.receive(Signal.TRACES, body))
    await asyncio.sleep(0)
    with pytest.raises(RefusalError, match="too many bytes") as caught:
        await asyncio.wait_for(whole.receive(Signal.TRACES, body), 20)
    assert caught.value.retryable
    assert len(body) == backend.taken
    backend.answers.set()
    assert b"" == await first
    sent.resource_spans[0].schema_url = "x" * 2000
    assert b"" == await whole.receive(Signal.TRACES, sent.SerializeToString())


async def test_more_records_than_there_is_room_for_are_refused_before_they_are_read() -> None:
    """Empty ones are two bytes each, and a hundred once they are read."""
    nothing: Any = None
    routes = {Signal.LOGS: Route(("back",), watched=True, forward=True)}
    whole = Pipeline(routes, {"back": Slow()}, nothing, nothing, nothing)
    sent = Signal.LOGS.request()
    records = sent.resource_logs.add().scope_logs.add().log_records
    records.add(event_name="ml.inference.records")
    for _ in range(300_000):
        records.add()
    with pytest.raises(RefusalError, match="smaller batches") as caught:
        await whole.receive(Signal.LOGS, sent.SerializeToString())
    assert not caught.value.retryable
