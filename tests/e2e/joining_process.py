"""A process that joins a stream of deliveries and says which are acknowledged: to be killed.

    python -m tests.e2e.joining_process URL FIRST [END]

Deliveries have numbers, and what is in one follows from its number alone.
"""

import asyncio
import random
import sys
from collections.abc import Iterator

from otelml.data import Owner, Prediction, Truth
from otelml.store.database import Database
from otelml.store.joins import Joins

SECOND = 1_000_000_000
OWNERS = (Owner("shop", "", "prod", "fraud", "1"), Owner("shop", "", "prod", "shadow", None))
ROWS, AT_ONCE, NOW = 20, 4, 10_000_000 * SECOND
Delivery = tuple[list[tuple[Owner, Prediction]], list[Truth]]


def opened(url: str) -> tuple[Database, Joins]:
    database = Database(url)
    return database, Joins(database, 10**9, 10**9, 60)


def delivery(number: int) -> Delivery:
    """Predictions of two models, labels some deliveries before or after them, and corrections."""
    chance = random.Random(number)
    predictions = [
        (owner, Prediction(f"{number}:{row}", (number * ROWS + row) * SECOND, chance.choice("01")))
        for row in range(ROWS)
        for owner in OWNERS
    ]
    truths = []
    for row in range(ROWS):
        of = max(number + chance.randint(-30, 10), 0)
        truths.append(Truth(f"{of}:{row}", (NOW // SECOND + number) * SECOND, chance.choice("012")))
    again = [p for p in predictions if chance.random() < 0.1]
    return predictions + again, truths


def deliveries(first: int, end: int | None) -> Iterator[int]:
    number = first
    while end is None or number < end:
        yield number
        number += 1


async def stream(url: str, first: int, end: int | None) -> None:
    """Send several deliveries at a time, in order, and print the number of each that is kept."""
    database, joins = opened(url)
    room = asyncio.Semaphore(AT_ONCE)

    async def send(number: int) -> None:
        await joins.accept(*delivery(number), NOW)
        print(number, flush=True)
        room.release()

    async with asyncio.TaskGroup() as tasks:
        for number in deliveries(first, end):
            await room.acquire()
            tasks.create_task(send(number))
    database.close()


if __name__ == "__main__":
    asyncio.run(
        stream(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
    )
