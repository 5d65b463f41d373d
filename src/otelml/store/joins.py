"""The durable, bounded join of predictions with labels that come seconds to weeks later.

Rows are the truth: counts and marks of change are written with them in one transaction, so that a
crash at any moment leaves them in agreement. What is kept is bounded in time and in number.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, insert, select, update

from otelml.data import Outcomes, Owner, Prediction, Truth
from otelml.store import expiry, outcomes, rows, windows
from otelml.store.database import Database, Group, StoreError
from otelml.store.expiry import Expired
from otelml.store.merge import LAST, Accepted, Merge, State, text
from otelml.store.schema import FORMAT, JOINS, META, OWNERS, Content

__all__ = ["Accepted", "Expired", "Joins", "Mark", "State"]

_SECOND: Final = 1_000_000_000
_UNKNOWN: Final = -2
"""In the place of a transaction's number: what is known of owners may be out of date."""

_Delivery: TypeAlias = tuple[Sequence[tuple[Owner, Prediction]], Sequence[Truth], int]


class Mark(NamedTuple):
    """A window in which something changed, by a transaction of that number."""

    owner: Owner
    start: int
    change: int


class Joins:
    """Predictions and labels of all models, kept for a time and up to a number.

    `window_seconds` is the length of the windows by which changes are told; all times given and
    returned are in nanoseconds since the epoch.

    Raises:
        StoreError: the database cannot be opened, or holds what another version wrote.

    """

    def __init__(
        self,
        database: Database,
        expire_after_seconds: float,
        max_predictions: int,
        window_seconds: float,
    ) -> None:
        self._database = database
        self._expire_after = round(expire_after_seconds * _SECOND)
        self._most = max_predictions
        self.length = round(window_seconds * _SECOND)
        self._group = Group(database, self._accept)
        self._owners: dict[int, Owner] = {}
        self._numbers: dict[Owner, int] = {}
        self._change = _UNKNOWN
        self._adding = windows.adding(database)
        database.create(META)
        with database.reported():
            self._open()

    async def accept(
        self, predictions: Sequence[tuple[Owner, Prediction]], truths: Sequence[Truth], now: int
    ) -> Accepted:
        """Keep and join a delivery; deliveries that come together are committed together.

        Raises:
            StoreError: nothing of it was kept.

        """
        return await asyncio.shield(self._group.put((predictions, truths, now)))

    async def find(self, ids: Sequence[str]) -> dict[str, list[tuple[Owner, Content]]]:
        """What was predicted under some ids.

        Raises:
            StoreError: the database refused.

        """
        return await self._database.run(self._find, ids)

    async def expire(self, now: int) -> Expired:
        """Delete what is too old or too much, the oldest windows first, a few thousand at a time.

        Windows go whole when their end is too old.

        Raises:
            StoreError: the database refused.

        """
        total = Expired(0, 0)
        while True:
            some = await self._database.run(self._expire, now - self._expire_after)
            total = Expired(total.predictions + some.predictions, total.labels + some.labels)
            if max(some) < expiry.AT_ONCE:
                return total

    async def changed(self) -> list[Mark]:
        """Windows with predictions, labels or corrections that no `clean` saw, oldest first."""
        return await self._database.run(self._changed)

    async def clean(self, marks: Iterable[Mark]) -> None:
        """Forget marks, except those of windows that changed since they were given."""
        await self._database.run(self._clean, list(marks))

    async def pending(self, owner: Owner) -> int:
        """Predictions that wait for a label."""
        predictions, labelled = await self._database.run(self._totals, owner, 0, LAST + 1)
        return predictions - labelled

    async def waiting(self) -> dict[Owner, int]:
        """Everyone with predictions, and how many of these wait for a label."""
        return await self._database.run(self._waiting)

    async def population(self, owner: Owner, start: int, end: int) -> tuple[int, int]:
        """Predictions, and labelled ones among them, of the windows that start in [start, end)."""
        return await self._database.run(self._totals, owner, start, end)

    def outcomes(self, owner: Owner, start: int, end: int) -> Iterator[Outcomes]:
        """Labelled predictions of [start, end) by the time of prediction, some thousands a piece.

        It reads as it goes on, on a connection of its own, and so may be called on any thread.

        Raises:
            StoreError: the database refused.

        """
        with self._database.reported(), self._database.engine.connect() as connection:
            number = self._number(connection, owner)
            if number is not None:
                yield from outcomes.of(connection, number, start, end)

    def learned(self, owner: Owner, after: int) -> Iterator[tuple[int, Outcomes]]:
        """Predictions in the order in which their labels first came, some thousands a piece.

        Args:
            owner: Whose.
            after: The number that came last with a piece before; 0 for all.

        Raises:
            StoreError: the database refused.

        """
        with self._database.reported(), self._database.engine.connect() as connection:
            number = self._number(connection, owner)
            if number is not None:
                yield from outcomes.learned(connection, number, after)

    def owners(self) -> list[Owner]:
        """Everyone whose predictions were kept when this process last wrote."""
        return [*self._numbers]

    def paired(
        self, champion: Owner, challenger: Owner, start: int, end: int
    ) -> Iterator[tuple[Outcomes, Outcomes]]:
        """What two models said of the same ids, by the time of the champion's prediction.

        Raises:
            StoreError: the database refused.

        """
        with self._database.reported(), self._database.engine.connect() as connection:
            one = self._number(connection, champion)
            two = self._number(connection, challenger)
            if one is not None and two is not None:
                yield from outcomes.paired(connection, one, two, start, end)

    def _open(self) -> None:
        row = {"id": 1, "format": FORMAT, "length": self.length, "change": 0}
        with self._database.engine.begin() as connection:
            connection.execute(self._database.insert(JOINS).values(row).on_conflict_do_nothing())
        with self._transaction() as (connection, change):
            kept = connection.execute(select(JOINS)).one()
            if kept.format != FORMAT:
                raise StoreError(
                    f"{self._database.name}: its format {kept.format} is not {FORMAT}: move it away"
                )
            if kept.length != self.length:
                windows.recount(connection, self.length, change)
                connection.execute(update(JOINS).values(length=self.length))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[tuple[Connection, int]]:
        """A transaction and its number; from here to its end no other writes joins."""
        with self._database.engine.begin() as connection:
            connection.execute(update(JOINS).values(change=JOINS.c.change + 1))
            change = int(connection.execute(select(JOINS.c.change)).scalar_one())
            if change != self._change + 1:  # another's came in between, or ours was taken back
                self._read_owners(connection)
            self._change = _UNKNOWN
            yield connection, change
        self._change = change

    def _read_owners(self, connection: Connection) -> None:
        read = connection.execute(select(OWNERS))
        self._owners = {number: Owner(*json.loads(name)) for number, name in read}
        self._numbers = {owner: number for number, owner in self._owners.items()}

    def _enrol(self, connection: Connection, owners: set[Owner]) -> None:
        """Number new owners."""
        connection.execute(insert(OWNERS), [{"name": json.dumps(owner)} for owner in owners])
        self._read_owners(connection)

    def _known(self, connection: Connection, numbers: Iterable[int]) -> Mapping[int, Owner]:
        """Owners by number, those with one of these numbers of another replica's included."""
        if not self._owners.keys() >= set(numbers):
            self._read_owners(connection)
        return self._owners

    def _accept(self, deliveries: list[_Delivery]) -> list[Accepted]:
        ids = {text(p.id) for predictions, _, _ in deliveries for _, p in predictions}
        ids |= {text(truth.id) for _, truths, _ in deliveries for truth in truths}
        owners = {owner for predictions, _, _ in deliveries for owner, _ in predictions}
        with self._transaction() as (connection, change):
            if new := owners - self._numbers.keys():
                self._enrol(connection, new)
            found, waiting = rows.kept(connection, list(ids))
            merge = Merge(found, waiting, self._owners, self.length)
            answers = [
                merge.accept([(self._numbers[o], p) for o, p in predictions], truths, now)
                for predictions, truths, now in deliveries
            ]
            rows.keep(connection, merge, change)
            if merge.windows:
                connection.execute(self._adding, windows.added(merge, change))
        return answers

    def _find(self, ids: Sequence[str]) -> dict[str, list[tuple[Owner, Content]]]:
        found: dict[str, list[tuple[Owner, Content]]] = {name: [] for name in ids}
        known = {text(name): name for name in ids}
        with self._database.engine.connect() as connection:
            kept, _ = rows.kept(connection, [*known])
            owners = self._known(connection, (row.owner for row in kept))
        for row in kept:
            if row.owner in owners:
                found[known[row.id]].append((owners[row.owner], row.content))
        return found

    def _expire(self, before: int) -> Expired:
        with self._transaction() as (connection, _):
            some = expiry.some(connection, before, self._most, self.length)
            if expiry.owners(connection):
                self._read_owners(connection)
        return some

    def _changed(self) -> list[Mark]:
        with self._database.engine.connect() as connection:
            marks = windows.changed(connection)
            owners = self._known(connection, (number for number, _, _ in marks))
        return [Mark(owners[number], *mark) for number, *mark in marks if number in owners]

    def _waiting(self) -> dict[Owner, int]:
        with self._database.engine.connect() as connection:
            counts = windows.waiting(connection)
            owners = self._known(connection, (number for number, _ in counts))
        return {owners[number]: count for number, count in counts if number in owners}

    def _clean(self, marks: list[Mark]) -> None:
        with self._transaction() as (connection, _):
            numbers = self._numbers  # without those of whom nothing is kept any more
            mine = [(numbers[o], at, seen) for o, at, seen in marks if o in numbers]
            windows.clean(connection, mine)

    def _totals(self, owner: Owner, start: int, end: int) -> tuple[int, int]:
        with self._database.engine.connect() as connection:
            return windows.totals(connection, self._number(connection, owner), start, end)

    def _number(self, connection: Connection, owner: Owner) -> int | None:
        query = select(OWNERS.c.id).where(OWNERS.c.name == json.dumps(owner))
        return connection.execute(query).scalar_one_or_none()
