"""The store on a real PostgreSQL: what holds on SQLite holds there."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from otelml.data import Model, Owner, Prediction, Truth
from otelml.store.database import Database, StoreError
from otelml.store.joins import Joins
from otelml.store.journal import Journal, Letter
from tests.e2e.conftest import Neighbours, end, until
from tests.e2e.postgresql import PASSWORD, cluster, emptied
from tests.e2e.serving import Serving
from tests.ports import free_port
from tests.processor.test_service import SECOND, calls
from tests.sink import http_sink
from tests.store.joining import JoinsMachine


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with cluster(free_port()) as url:
        yield url


def test_predictions_and_labels_are_joined(server: str) -> None:
    class OnPostgresql(JoinsMachine):
        def __init__(self) -> None:
            super().__init__(emptied(server))

    run_state_machine_as_test(
        OnPostgresql, settings=settings(max_examples=15, stateful_step_count=15)
    )


async def test_requests_are_kept_and_replaced(server: str) -> None:
    journal = Journal(emptied(server))
    applied: list[int] = []
    await asyncio.gather(*(journal.append(b"%d" % i, applied.append) for i in range(50)))
    await journal.snapshot(b"state", 48, [Letter("x", "logs", b"\0%d" % i) for i in range(3)])
    assert 1 == await journal.trim("x", 2)
    journal.close()
    again = Journal(server)
    assert (b"state", 48) == again.state()
    assert [(49, b"48"), (50, b"49")] == list(again.entries(48))
    first = await again.first("x")
    assert first is not None
    assert b"\0" + b"1" == first[1].body
    await again.sent(first[0])
    await again.append(b"new", applied.append)
    assert list(range(1, 52)) == applied
    again.close()


async def test_two_processors_share_the_join(server: str) -> None:
    emptied(server)
    databases = [Database(server), Database(server)]
    one, two = [Joins(database, 3600, 10_000, 300) for database in databases]
    owners = [Owner("shop", "", "", "fraud", str(version)) for version in range(2)]
    now = 1_000_000_000

    async def tell(joins: Joins, part: int) -> None:
        for batch in range(20):
            ids = [f"{batch}-{i}" for i in range(25)]
            predictions = [(owners[part], Prediction(name, now, "1")) for name in ids]
            truths = [Truth(name, now, str(part)) for name in ids] if batch % 2 == part else []
            await joins.accept(predictions, truths, now)

    await asyncio.gather(tell(one, 0), tell(two, 1))
    for joins in (one, two):
        for owner in owners:
            assert (500, 500) == await joins.population(owner, 0, 2 * now)
            assert 500 == sum(len(some.truth) for some in joins.outcomes(owner, 0, 2 * now))
        assert set(owners) == {mark.owner for mark in await joins.changed()}
    for database in databases:
        database.close()


async def test_whom_one_processor_forgot_another_may_still_know(server: str) -> None:
    emptied(server)
    databases = [Database(server), Database(server)]
    one, two = [Joins(database, 3600, 10_000, 300) for database in databases]
    owner, now = Owner("shop", "", "", "fraud", None), 10**15
    for joins in (one, two):  # each knows the owner by its number
        await joins.accept([(owner, Prediction("a", 0, "1"))], [], 0)
    marks = await two.changed()
    assert 1 == (await one.expire(now)).predictions
    assert [] == one.owners()
    await two.clean(marks)
    await two.accept([(owner, Prediction("b", now, "1"))], [Truth("b", now, "1")], now)
    for joins in (one, two):
        assert [owner] == [mark.owner for mark in await joins.changed()]
        assert {owner: 0} == await joins.waiting()
        assert ["b"] == [*await joins.find(["b"])]
    for database in databases:
        database.close()


async def test_a_processor_runs_on_it(server: str, neighbours: Neighbours) -> None:
    """Its journal, its outbox and the join are there, and outlive it."""
    store = emptied(server).replace("postgresql+psycopg://", "postgresql://")
    rules = {"windows": {"length": "1s", "lateness": "1s"}, "repeat": "1h"}
    base = time.time_ns() // SECOND * SECOND - 3600 * SECOND
    model, label = Model("fraud"), {"id": "order-1", "label": "yes"}

    def told() -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for resource in (r for request in list(sink.requests) for r in request.resource_metrics):
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                if metric.name == "ml.monitor.window.sample.count":
                    (point,) = metric.sum.data_points
                    found.setdefault(point.time_unix_nano - base, set()).add(point.as_int)
        return found

    with http_sink() as sink:
        serving = Serving(neighbours, store, sink.endpoint, rules)
        child = serving.start()
        await serving.ready(child)
        async with httpx.AsyncClient(base_url=serving.url, timeout=30) as http:

            async def send(second: int, rows: int) -> None:
                start = base + second * SECOND
                body = calls(start, start + SECOND, rows, model)
                kind = {"content-type": "application/x-protobuf"}
                assert (await http.post("/v1/metrics", content=body, headers=kind)).is_success

            for second in range(3):
                await send(second, 3 + second)
            assert 1 == (await http.post("/v1/labels", json=label)).json()["waiting"]
            child.kill()
            child.wait()
            child = serving.start()
            await serving.ready(child)
            assert 1 == (await http.post("/v1/labels", json=label)).json()["duplicate"]
            await send(100, 1)
        wanted = {(second + 1) * SECOND: {3 + second} for second in range(3)}
        until(lambda: len(wanted) <= len(told()))
        end(child)
    assert 0 == child.returncode
    assert wanted == told()
    assert PASSWORD not in serving.logs()


async def test_a_lost_connection_is_made_anew(server: str) -> None:
    database = Database(emptied(server))
    joins = Joins(database, 3600, 10_000, 300)
    owner = Owner("shop", "", "", "fraud", "1")
    await joins.accept([(owner, Prediction("a", 1, "1"))], [], 1)
    other = Database(server)
    with other.engine.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    other.close()
    await joins.accept([], [Truth("a", 2, "1")], 2)
    assert 0 == await joins.pending(owner)
    database.close()


def test_errors_do_not_tell_the_password(server: str) -> None:
    wrong = server.replace(PASSWORD, "not-so-secret")
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        Journal(wrong)
    assert "not-so-secret" not in str(caught.value)
    assert "otelml:***@127.0.0.1" in str(caught.value)
    with pytest.raises(StoreError, match="see that the server is there") as caught:
        Journal(f"{server.replace(server[server.index('@') :], '@127.0.0.1:1')}/x?password=hidden")
    assert "hidden" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
