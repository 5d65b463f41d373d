"""Whenever the processor is killed, performance is that of the data it acknowledged, exactly."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otelml.data import Owner
from otelml.store.database import Database
from otelml.store.joins import Joins
from tests.e2e.conftest import Neighbours
from tests.e2e.joining_process import OWNERS, ROWS, SECOND
from tests.e2e.labelled import FIRST, WINDOW, Client, Confusions, expected
from tests.e2e.postgresql import PASSWORD, cluster
from tests.e2e.serving import Serving
from tests.ports import free_port
from tests.sink import Sink, http_sink, told

KILLS = 50
STARTING, EVALUATING = 4, 2
"""Of five kills this one comes while the process starts, and this one while it evaluates."""

PROCESSOR = {
    "labels": {"expire_after": "40000d"},
    "performance": {"window": f"{WINDOW}s", "every": "100ms", "min_samples": 100},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a.db'}"
        return
    with cluster(free_port()) as given:
        yield given


async def test_performance_is_exact_after_any_number_of_kills(
    neighbours: Neighbours, url: str
) -> None:
    with http_sink() as sink:
        serving = Serving(neighbours, url, sink.endpoint, PROCESSOR)
        client = Client(serving.url)
        sending = asyncio.create_task(client.run(WINDOW // ROWS))
        await kill_often(serving, client, sink, sending)
        child = serving.start()
        client.end()
        end = await sending
        wanted = expected(end)
        await settled(url, sink, wanted)
        child.send_signal(signal.SIGTERM)
        assert 0 == await asyncio.to_thread(child.wait, 30)
        assert newest(wanted) == gauges(sink)
        await compare(url, end, wanted)
    said = serving.logs()
    assert "Traceback" not in said
    assert PASSWORD not in said
    assert client.broken >= KILLS // 2, "most were killed while nothing was under way"


async def kill_often(
    serving: Serving, client: Client, sink: Sink, sending: "asyncio.Task[int]"
) -> None:
    chance, took = random.Random(0), 1.0
    for kill in range(KILLS):
        began = time.monotonic()
        child = serving.start()
        if kill % 5 == STARTING:
            await asyncio.sleep(chance.uniform(0, took))
        else:
            await until(more(lambda: client.acknowledged, 1), child, sending)
            took = time.monotonic() - began
            await until(more(lambda: client.acknowledged, chance.randint(0, 30)), child, sending)
            if kill % 5 == EVALUATING:
                await until(more(lambda: len(sink.requests), 1), child, sending)
            await asyncio.sleep(chance.uniform(0, 0.05))
        child.kill()
        await asyncio.to_thread(child.wait)


def more(count: Callable[[], int], by: int) -> Callable[[], bool]:
    """Whether a count is greater by so many than it is now."""
    enough = count() + by
    return lambda: count() >= enough


async def until(true: Callable[[], bool], *alive: Any) -> None:
    """Wait until something is so, as long as process and client live."""
    child, sending = alive
    async with asyncio.timeout(60):
        while not true():
            assert child.poll() is None, "the processor ended"
            if sending.done():
                sending.result()
            await asyncio.sleep(0.005)


async def settled(url: str, sink: Sink, wanted: Confusions) -> None:
    """Wait until every window was assessed with the last of its labels, and this was told."""
    database, joins = opened(url)
    deadline = time.monotonic() + 60
    while (left := await joins.changed()) or newest(wanted) != gauges(sink):
        assert time.monotonic() < deadline, (left, newest(wanted), gauges(sink))
        await asyncio.sleep(0.1)
    database.close()


async def compare(url: str, end: int, wanted: Confusions) -> None:
    """What is in the store, window by window, with what was sent."""
    database, joins = opened(url)
    found: Confusions = {}
    for owner in OWNERS:
        rows = labelled = 0
        for start in range(FIRST, FIRST + end * ROWS, WINDOW):
            first, last = start * SECOND, (start + WINDOW) * SECOND
            counts = found[owner, start] = Counter()
            for some in joins.outcomes(owner, first, last):
                counts.update(zip(some.predicted, some.truth, strict=True))
            labelled += counts.total()
            assert (WINDOW, counts.total()) == await joins.population(owner, first, last)
            rows += WINDOW
        assert (rows, labelled) == await joins.population(owner, 0, 1 << 62)
    assert wanted == found
    database.close()


def opened(url: str) -> tuple[Database, Joins]:
    database = Database(url)
    return database, Joins(database, 10**9, 10**9, WINDOW)


def newest(wanted: Confusions) -> dict[Owner, tuple[float, dict[tuple[str, str], float]]]:
    """Accuracy and confusion of each model's last window."""
    found = {}
    for owner in OWNERS:
        confusion = wanted[owner, max(start for of, start in wanted if of == owner)]
        right = sum(count for (predicted, truth), count in confusion.items() if predicted == truth)
        counts = {pair: float(count) for pair, count in confusion.items()}
        found[owner] = right / confusion.total(), counts
    return found


def gauges(sink: Sink) -> dict[Owner, tuple[float, dict[tuple[str, str], float]]]:
    """The last that was told of the same."""
    accuracies = dict.fromkeys(OWNERS, 0.0)
    confusions: dict[Owner, dict[tuple[str, str], float]] = {owner: {} for owner in OWNERS}
    for name, of, value in points(sink):
        version = of.get("ml.model.version")
        if name == "ml.performance.accuracy":
            accuracies[Owner("shop", "", "prod", of["ml.model.name"], version)] = value
        elif name == "ml.performance.confusion.count":
            pair = of["ml.prediction.class"], of["ml.ground_truth.class"]
            confusions[Owner("shop", "", "prod", of["ml.model.name"], version)][pair] = value
    return {owner: (accuracies[owner], confusions[owner]) for owner in OWNERS}


def points(sink: Sink) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Name, attributes and value of what was told of the models' service, in order."""
    for request in list(sink.requests):
        for resource in request.resource_metrics:
            if "shop" != told(resource.resource)["service.name"]:
                continue
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                data = getattr(metric, str(metric.WhichOneof("data")))
                for point in data.data_points:
                    value = getattr(point, str(point.WhichOneof("value")))
                    yield metric.name, told(point), float(value)
