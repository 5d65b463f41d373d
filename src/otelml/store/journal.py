"""Durable state: what was accepted, what follows from it, and what is still to be sent.

Accepted requests are appended before they are acknowledged; now and then the state that they led
to replaces them, together with the telemetry derived from it, in one transaction. So a crash at
any moment loses nothing and counts nothing twice: what is left is state plus the requests since.
"""

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from otelml.store.database import NUMBER, Database, Group, StoreError
from otelml.store.lease import LostError, lease

__all__ = ["Journal", "Letter", "Repeated", "StoreError"]

FORMAT: Final = 2
_REPAIR: Final = "move it away, or repair it"

_META: Final = MetaData()
_JOURNAL: Final = Table(
    "journal",
    _META,
    Column("id", NUMBER, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
_STATE: Final = Table(
    "state",
    _META,
    Column("id", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("journal", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
_OUTBOX: Final = Table(
    "outbox",
    _META,
    Column("id", NUMBER, primary_key=True),
    Column("exporter", String(200), nullable=False),
    Column("signal", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
_REPEATED: Final = Table(
    "repeated",
    _META,
    Column("id", String(64), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


class Letter(NamedTuple):
    """A request to send."""

    exporter: str
    signal: str
    body: bytes


class Repeated(NamedTuple):
    """What is sent again until another of its subject replaces it, or its time is over."""

    subject: str
    since: int
    until: int
    body: bytes


class Journal:
    """What one processor accepted and derived, in a database whose lease it holds.

    Raises:
        StoreError: the database cannot be opened, or another processor uses it.

    """

    def __init__(self, store: str | Database) -> None:
        self._database = Database(store) if isinstance(store, str) else store
        self._engine = self._database.engine
        self._group = Group(self._database, self._insert)
        self._last = 0
        self.bytes = 0
        self._lease = lease(self._database)
        try:
            self._database.create(_META)
        except StoreError:
            self._lease.close()
            raise

    @property
    def lost(self) -> LostError | None:
        """Why nothing can be written any more, if another processor took over."""
        return self._lease.lost

    def state(self) -> tuple[bytes | None, int]:
        """The state that was kept, and the last journal entry that it includes."""
        with self._database.reported(_REPAIR), self._engine.connect() as connection:
            row = connection.execute(select(_STATE).where(_STATE.c.id == 1)).one_or_none()
        if row is None:
            return None, 0
        if row.format != FORMAT:
            raise StoreError(
                f"{self._database.name}: its format {row.format} is not {FORMAT}: move it away"
            )
        try:
            self._last = row.journal
            return zlib.decompress(row.body), row.journal
        except zlib.error as error:
            raise StoreError(
                f"{self._database.name}: its state is damaged: move it away"
            ) from error

    def entries(self, after: int) -> Iterator[tuple[int, bytes]]:
        """The requests that came after a state, oldest first."""
        query = select(_JOURNAL).where(_JOURNAL.c.id > after).order_by(_JOURNAL.c.id)
        with self._database.reported(_REPAIR), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=64).execute(query):
                self.bytes += len(row.body)
                yield row.id, row.body

    async def append(self, body: bytes, applied: Callable[[int], None]) -> None:
        """Keep a request; `applied` is called with its number, in the order of numbers.

        Requests that come while others are written are written together.

        Raises:
            StoreError: it was not kept.

        """
        future = self._group.put(body)
        future.add_done_callback(lambda done: self._kept(done, len(body), applied))
        await asyncio.shield(future)

    def _kept(self, done: "asyncio.Future[int]", size: int, applied: Callable[[int], None]) -> None:
        if not done.cancelled() and done.exception() is None:
            self.bytes += size
            applied(done.result())

    def _insert(self, bodies: Sequence[bytes]) -> list[int]:
        with self._lease.begin() as connection:
            first = connection.execute(select(func.max(_JOURNAL.c.id))).scalar_one() or 0
            first = max(first, self._last) + 1
            numbers = range(first, first + len(bodies))
            rows = [{"id": n, "body": b} for n, b in zip(numbers, bodies, strict=True)]
            connection.execute(insert(_JOURNAL), rows)
        self._last = numbers[-1]
        return list(numbers)

    def repeated(self, now: int) -> list[Repeated]:
        """What is still to be sent again."""
        query = select(_REPEATED).where(_REPEATED.c.until > now)
        with self._database.reported(_REPAIR), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Repeated(row.subject, row.since, row.until, row.body) for row in rows]

    async def snapshot(
        self,
        state: bytes,
        number: int,
        letters: Iterable[Letter] = (),
        repeated: Iterable[Repeated] = (),
    ) -> None:
        """Replace the requests up to `number` by the state that they led to."""
        before = self.bytes
        await self._database.run(self._snapshot, state, number, list(letters), list(repeated))
        self.bytes -= before  # what came since the state was taken is still to be replayed

    def _snapshot(
        self, state: bytes, number: int, letters: list[Letter], repeated: list[Repeated]
    ) -> None:
        body = zlib.compress(state, 1)
        with self._lease.begin() as connection:
            connection.execute(delete(_STATE))
            connection.execute(
                insert(_STATE).values(id=1, format=FORMAT, journal=number, body=body)
            )
            connection.execute(delete(_JOURNAL).where(_JOURNAL.c.id <= number))
            if letters:
                connection.execute(insert(_OUTBOX), [letter._asdict() for letter in letters])
            if repeated:
                rows = [{"id": _hash(one.subject), **one._asdict()} for one in repeated]
                over = _REPEATED.c.until <= max(one.since for one in repeated)
                connection.execute(delete(_REPEATED).where(over))
                same = _REPEATED.c.id == bindparam("same")
                connection.execute(delete(_REPEATED).where(same), [{"same": r["id"]} for r in rows])
                connection.execute(insert(_REPEATED), rows)

    async def first(self, exporter: str) -> tuple[int, Letter] | None:
        """The oldest request that is still to be sent to an exporter."""
        return await self._database.run(self._first, exporter)

    def _first(self, exporter: str) -> tuple[int, Letter] | None:
        query = select(_OUTBOX).where(_OUTBOX.c.exporter == exporter).order_by(_OUTBOX.c.id)
        with self._engine.connect() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        return None if row is None else (row.id, Letter(row.exporter, row.signal, row.body))

    async def sent(self, number: int) -> None:
        """Forget a request that was sent."""
        await self._database.run(self._sent, number)

    def _sent(self, number: int) -> None:
        with self._lease.begin() as connection:
            connection.execute(delete(_OUTBOX).where(_OUTBOX.c.id == number))

    async def trim(self, exporter: str, most: int) -> int:
        """Give up the oldest requests beyond `most` of an exporter; how many they were."""
        return await self._database.run(self._trim, exporter, most)

    def _trim(self, exporter: str, most: int) -> int:
        mine = _OUTBOX.c.exporter == exporter
        with self._lease.begin() as connection:
            count = connection.execute(select(func.count()).where(mine)).scalar_one()
            if count <= most:
                return 0
            oldest = select(_OUTBOX.c.id).where(mine).order_by(_OUTBOX.c.id).limit(count - most)
            connection.execute(delete(_OUTBOX).where(_OUTBOX.c.id.in_(oldest)))
            return int(count - most)

    async def abandon(self, but: Collection[str]) -> dict[str, int]:
        """Give up the requests to all exporters but these; how many of each they were."""
        return await self._database.run(self._abandon, list(but))

    def _abandon(self, but: list[str]) -> dict[str, int]:
        others = _OUTBOX.c.exporter.not_in(but)
        count = select(_OUTBOX.c.exporter, func.count()).where(others).group_by(_OUTBOX.c.exporter)
        with self._lease.begin() as connection:
            given_up = {name: int(letters) for name, letters in connection.execute(count)}
            connection.execute(delete(_OUTBOX).where(others))
        return given_up

    def close(self) -> None:
        """Finish what is being written, and let go of lease and database."""
        self._database.close()
        self._lease.close()


def _hash(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()
