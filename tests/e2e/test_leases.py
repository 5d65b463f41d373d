"""Two processors on one store: the second says so and ends, and nothing is written over."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from otelml.data import Model
from otelml.store.database import StoreError
from otelml.store.journal import Journal
from otelml.store.lease import LostError
from tests.e2e.conftest import Neighbours, until
from tests.e2e.postgresql import PASSWORD, cluster, emptied
from tests.e2e.serving import Serving
from tests.ports import free_port
from tests.processor.test_service import SECOND, calls
from tests.sink import Sink, http_sink

RULES = {"windows": {"length": "1s", "lateness": "1s"}}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with cluster(free_port()) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.db'}"
    given: str = request.getfixturevalue("server")
    return emptied(given)


async def send(serving: Serving, rows: int) -> bool:
    now = time.time_ns()
    body = calls(now - SECOND, now, rows, Model("fraud"))
    kind = {"content-type": "application/x-protobuf"}
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.post(f"{serving.url}/v1/metrics", content=body, headers=kind)
    return answer.is_success


def rows(sink: Sink) -> set[int]:
    """Sizes of the windows that were told of."""
    return {
        point.as_int
        for request in list(sink.requests)
        for resource in request.resource_metrics
        for metric in (m for scope in resource.scope_metrics for m in scope.metrics)
        if metric.name == "ml.monitor.window.sample.count"
        for point in metric.sum.data_points
    }


async def ended(child: Any, status: int) -> None:
    assert status == await asyncio.to_thread(child.wait, 30)


async def test_a_second_processor_ends_and_another_takes_over_from_the_dead(
    neighbours: Neighbours, url: str
) -> None:
    with http_sink() as sink:
        one = Serving(neighbours, url, sink.endpoint, RULES, "one")
        two = Serving(neighbours, url, sink.endpoint, RULES, "two")
        first = one.start()
        await one.ready(first)
        assert await send(one, 3)
        await ended(two.start(), 2)
        assert "another processor uses it" in two.logs()
        assert await send(one, 4)
        first.kill()
        await asyncio.to_thread(first.wait)
        second = two.start()
        await two.ready(second)
        assert await send(two, 5)
        await ended(one.start(), 2)
        await asyncio.to_thread(until, lambda: {3, 4, 5} <= rows(sink))
        second.send_signal(signal.SIGTERM)
        await ended(second, 0)
    assert {3, 4, 5} == rows(sink)
    assert "Traceback" not in one.logs() + two.logs()
    assert PASSWORD not in one.logs() + two.logs()


async def test_whose_connection_is_lost_goes_on_if_nobody_came(server: str) -> None:
    journal = Journal(emptied(server))
    kept: list[int] = []
    await journal.append(b"a", kept.append)
    disconnect(server)
    with pytest.raises(StoreError):
        await journal.append(b"b", kept.append)
    await journal.append(b"b", kept.append)
    assert journal.lost is None
    with pytest.raises(StoreError, match="another processor uses it"):
        Journal(server)
    journal.close()
    again = Journal(server)
    assert [(1, b"a"), (2, b"b")] == list(again.entries(0))
    again.close()


async def test_whose_connection_is_lost_writes_over_nobody(server: str) -> None:
    journal = Journal(emptied(server))
    kept: list[int] = []
    await journal.append(b"a", kept.append)
    other = taken(server)
    assert [(1, b"a")] == list(other.entries(0))
    await other.append(b"b", kept.append)
    while journal.lost is None:
        with pytest.raises(StoreError):
            await journal.append(b"c", kept.append)
    other.close()  # and even then
    with pytest.raises(LostError, match="took over the state"):
        await journal.snapshot(b"", 9)
    journal.close()
    last = Journal(server)
    assert [(1, b"a"), (2, b"b")] == list(last.entries(0))
    last.close()


async def test_a_processor_whose_state_was_taken_over_ends(
    neighbours: Neighbours, server: str
) -> None:
    emptied(server)
    with http_sink() as sink:
        serving = Serving(neighbours, server, sink.endpoint, RULES)
        child = serving.start()
        await serving.ready(child)
        assert await send(serving, 3)
        other = taken(server)
        with contextlib.suppress(httpx.TransportError):  # until it ends
            while True:
                assert not await send(serving, 4)
        await ended(child, 2)
        assert "took over the state" in serving.logs()
        other.close()


def taken(server: str) -> Journal:
    """The state in the hands of another, which is faster than who lost the connection."""
    while True:
        disconnect(server)
        with contextlib.suppress(StoreError):
            return Journal(server)


def disconnect(server: str) -> None:
    """End every connection, as a restart of the server does."""
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    engine.dispose()
