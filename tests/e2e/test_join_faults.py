"""Nothing that was acknowledged is lost or counted twice, however often the process is killed."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from otelml.data import Owner, Truth
from tests.e2e.conftest import ROOT
from tests.e2e.joining_process import OWNERS, ROWS, SECOND, delivery, opened
from tests.e2e.postgresql import cluster
from tests.ports import free_port

KILLS = 50


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a.db'}"
        return
    with cluster(free_port()) as given:
        yield given


def test_counts_are_exact_after_any_number_of_kills(url: str) -> None:
    chance, done, working = random.Random(0), 0, 0
    for kill in range(KILLS):
        count = acknowledged(url, done, chance, starting=kill % 5 == 4)
        done += count
        working += count > 0
    assert working >= KILLS // 2, "most were killed before they did anything"
    end = done + 40  # so that what was sent and not acknowledged is sent again
    last = subprocess.run(command(url, done, end), cwd=ROOT, check=True, capture_output=True)
    assert list(map(str, range(done, end))) == last.stdout.decode().split()
    asyncio.run(compare(url, end))


async def compare(url: str, end: int) -> None:
    database, joins = opened(url)
    expected = confusion(end)
    for owner in OWNERS:
        counts = Counter[tuple[str, str]]()
        for some in joins.outcomes(owner, 0, 1 << 62):
            counts.update(zip(some.predicted, some.truth, strict=True))
        assert expected[owner] == counts
        labelled = expected[owner].total()
        assert (ROWS * end, labelled) == await joins.population(owner, 0, 1 << 62)
        assert ROWS * end - labelled == await joins.pending(owner)
    marks = await joins.changed()
    windows = range(0, ROWS * end, 60)
    assert [start * SECOND for start in windows for _ in OWNERS] == [mark.start for mark in marks]
    database.close()


def command(url: str, *numbers: int) -> list[str]:
    return [sys.executable, "-m", "tests.e2e.joining_process", url, *map(str, numbers)]


def acknowledged(url: str, first: int, chance: random.Random, starting: bool) -> int:
    """How many deliveries a process acknowledged before it was killed."""
    child = subprocess.Popen(command(url, first), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = "" if starting else child.stdout.readline()
    time.sleep(chance.uniform(0, 1.0 if starting else 0.2))
    child.kill()
    said += child.communicate()[0]
    numbers = said.split("\n")[:-1]  # the last may be cut off
    assert list(map(str, range(first, first + len(numbers)))) == numbers
    return len(numbers)


def confusion(end: int) -> dict[Owner, Counter[tuple[str, str]]]:
    """The same deliveries, once each, in plain dicts."""
    predicted: dict[Owner, dict[str, str | None]] = {owner: {} for owner in OWNERS}
    truths: dict[str, Truth] = {}
    for number in range(end):
        predictions, labels = delivery(number)
        for owner, prediction in predictions:
            predicted[owner][prediction.id] = prediction.label
        truths |= {truth.id: truth for truth in labels}
    return {
        owner: Counter(
            (str(label), str(truths[name].label)) for name, label in mine.items() if name in truths
        )
        for owner, mine in predicted.items()
    }
