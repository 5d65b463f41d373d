"""Joins a second with a million predictions pending, memory and file size, beside peers in memory.

    python benchmarks/joins.py [--url URL] [--pending N]

A join is a prediction kept and later the label that matches it, chosen at random of those pending.
An hour of 100 predictions and labels a second passes by while as many are pending; what is
measured is CPU of this process, on one core. The peers keep nothing: a dict, and pandas' merge.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from otelml.data import Owner, Prediction, Truth
from otelml.store.database import Database
from otelml.store.joins import Joins, State

SECOND = 1_000_000_000
OWNER = Owner("shop", "", "prod", "fraud", "1")
HOUR, ROWS = 360_000, 500


class Clock:
    """Seconds of CPU and of the wall since it was made."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def each(self, count: int) -> tuple[float, float]:
        return (time.process_time() - self.cpu) / count, (time.perf_counter() - self.wall) / count

    def rate(self, count: int) -> str:
        cpu, wall = self.each(count)
        return f"{1 / cpu:,.0f} a second of CPU, {1 / wall:,.0f} a second"


def resident() -> int:
    return int(psutil.Process().memory_info().rss) >> 20


def name(number: int) -> str:
    """Ids as spans have them: without order."""
    return f"{random.Random(number).getrandbits(128):032x}"


def prediction(number: int) -> tuple[Owner, Prediction]:
    score = number % 997 / 997
    region = "north" if number % 3 else "south"
    given = Prediction(
        name(number),
        number * SECOND // 100,
        str(int(score > 0.5)),
        None,
        (("1", score),),
        None,
        (("region", region),),
    )
    return OWNER, given


def blocks(count: int) -> Iterator[range]:
    for start in range(0, count, ROWS):
        yield range(start, min(start + ROWS, count))


async def measure(url: str, pending: int) -> None:
    database = Database(url)
    joins = Joins(database, 30 * 86400, pending + HOUR, 300)
    chance, waiting = random.Random(0), np.arange(pending)
    before = resident()
    clock = Clock()
    for block in blocks(pending):
        await joins.accept([prediction(i) for i in block], [], block.stop * SECOND // 100)
    print(f"predictions kept: {clock.rate(pending)}; {before} to {resident()} MiB resident")

    most = 0
    clock = Clock()
    for block in blocks(HOUR):
        now = (pending + block.stop) * SECOND // 100
        new = range(pending + block.start, pending + block.stop)
        truths = []
        for number in new:
            place = chance.randrange(pending)
            truths.append(Truth(name(int(waiting[place])), now, str(number % 2)))
            waiting[place] = number
        got = await joins.accept([prediction(i) for i in new], truths, now)
        assert got.count(State.MATCHED) == ROWS
        most = max(most, resident())
    print(f"joins with {pending:,} pending: {clock.rate(HOUR)}; at most {most} MiB resident")
    clock = Clock()
    assert pending == await joins.pending(OWNER)
    print(f"how many are pending: {clock.each(1)[1] * 1e3:.1f} ms")
    clock = Clock()
    rows = sum(len(some.truth) for some in joins.outcomes(OWNER, 0, 1 << 62))
    print(f"outcomes read: {clock.rate(rows)}; {resident()} MiB resident")
    if url.startswith("sqlite"):
        files = Path(url.removeprefix("sqlite:///")).parent.iterdir()
        size = sum(file.stat().st_size for file in files)
        print(f"file: {size / (pending + HOUR):.0f} bytes a prediction, {size >> 20} MiB")
    clock = Clock()
    gone = await joins.expire(60 * 86400 * SECOND)
    print(f"expired: {clock.rate(gone.predictions)}")
    database.close()


def peer(title: str, join: Callable[[], int]) -> None:
    clock = Clock()
    joined = join()
    print(f"{title}: {clock.rate(joined)}")


def peers(pending: int) -> None:
    """What a join costs that neither lasts nor corrects."""
    predictions = [prediction(i)[1] for i in range(pending)]
    truths = [
        Truth(name(i), 0, "1") for i in random.Random(0).sample(range(pending), pending // 10)
    ]

    def in_a_dict() -> int:
        waiting = {p.id: p for p in predictions}
        return len([(waiting.pop(truth.id), truth) for truth in truths])

    left, right = pd.DataFrame(predictions), pd.DataFrame(truths)

    peer("a dict", in_a_dict)
    peer("pandas' merge", lambda: len(left.merge(right, on="id")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--pending", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{Path(folder) / 'joins.db'}"
        asyncio.run(measure(url, given.pending))
    peers(given.pending)
