"""Durable state: what was accepted, what follows from it, and what is still to be sent.

Accepted requests are appended before they are acknowledged; now and then the state that they led
to replaces them, together with the telemetry derived from it, in one transaction. So a crash at
any moment loses nothing and counts nothing twice: what is left is state plus the requests since.
"""

import asyncio
import contextlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

FORMAT: Final = 1

_META: Final = MetaData()
_JOURNAL: Final = Table(
    "journal",
    _META,
    Column("id", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
_STATE: Final = Table(
    "state",
    _META,
    Column("id", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("journal", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
_OUTBOX: Final = Table(
    "outbox",
    _META,
    Column("id", Integer, primary_key=True),
    Column("exporter", String(200), nullable=False),
    Column("signal", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)


class StoreError(Exception):
    """State cannot be read or written; says what and where."""


class Letter(NamedTuple):
    """A request to send."""

    exporter: str
    signal: str
    body: bytes


class Journal:
    """The database of one processor; all of it happens on one thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="otelml-store")
        self._waiting: list[tuple[bytes, asyncio.Future[int]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._last = 0
        self.bytes = 0
        try:
            self._engine = _engine(url)
            _META.create_all(self._engine)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(
                f"{url}: {_brief(error)}: choose a file that can be written"
            ) from error

    def state(self) -> tuple[bytes | None, int]:
        """The state that was kept, and the last journal entry that it includes."""
        with _reported(self._url), self._engine.connect() as connection:
            row = connection.execute(select(_STATE).where(_STATE.c.id == 1)).one_or_none()
        if row is None:
            return None, 0
        if row.format != FORMAT:
            raise StoreError(f"{self._url}: its format {row.format} is not {FORMAT}: move it away")
        try:
            self._last = row.journal
            return zlib.decompress(row.body), row.journal
        except zlib.error as error:
            raise StoreError(f"{self._url}: its state is damaged: move it away") from error

    def entries(self, after: int) -> Iterator[tuple[int, bytes]]:
        """The requests that came after a state, oldest first."""
        query = select(_JOURNAL).where(_JOURNAL.c.id > after).order_by(_JOURNAL.c.id)
        with _reported(self._url), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=64).execute(query):
                self.bytes += len(row.body)
                yield row.id, row.body

    async def append(self, body: bytes, applied: Callable[[int], None]) -> None:
        """Keep a request; `applied` is called with its number, in the order of numbers.

        Requests that come while others are written are written together.

        Raises:
            StoreError: it was not kept.

        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: _apply(done, applied))
        self._waiting.append((body, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(future)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                numbers = await loop.run_in_executor(
                    self._thread, self._insert, [body for body, _ in batch]
                )
            except (SQLAlchemyError, OSError) as error:
                for _, future in batch:
                    future.set_exception(StoreError(f"{self._url}: {_brief(error)}"))
                continue
            for (body, future), number in zip(batch, numbers, strict=True):
                self.bytes += len(body)
                future.set_result(number)

    def _insert(self, bodies: Sequence[bytes]) -> list[int]:
        with self._engine.begin() as connection:
            first = connection.execute(select(func.max(_JOURNAL.c.id))).scalar_one() or 0
            first = max(first, self._last) + 1
            numbers = range(first, first + len(bodies))
            rows = [{"id": n, "body": b} for n, b in zip(numbers, bodies, strict=True)]
            connection.execute(insert(_JOURNAL), rows)
        self._last = numbers[-1]
        return list(numbers)

    async def snapshot(self, state: bytes, number: int, letters: Iterable[Letter] = ()) -> None:
        """Replace the requests up to `number` by the state that they led to."""
        kept = list(letters)
        self.bytes = 0
        await self._run(self._snapshot, state, number, kept)

    def _snapshot(self, state: bytes, number: int, letters: list[Letter]) -> None:
        body = zlib.compress(state, 1)
        with self._engine.begin() as connection:
            connection.execute(delete(_STATE))
            connection.execute(
                insert(_STATE).values(id=1, format=FORMAT, journal=number, body=body)
            )
            connection.execute(delete(_JOURNAL).where(_JOURNAL.c.id <= number))
            if letters:
                connection.execute(insert(_OUTBOX), [letter._asdict() for letter in letters])

    async def first(self, exporter: str) -> tuple[int, Letter] | None:
        """The oldest request that is still to be sent to an exporter."""
        return await self._run(self._first, exporter)  # type: ignore[no-any-return]

    def _first(self, exporter: str) -> tuple[int, Letter] | None:
        query = select(_OUTBOX).where(_OUTBOX.c.exporter == exporter).order_by(_OUTBOX.c.id)
        with self._engine.connect() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        return None if row is None else (row.id, Letter(row.exporter, row.signal, row.body))

    async def sent(self, number: int) -> None:
        """Forget a request that was sent."""
        await self._run(self._sent, number)

    def _sent(self, number: int) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(_OUTBOX).where(_OUTBOX.c.id == number))

    async def trim(self, exporter: str, most: int) -> int:
        """Give up the oldest requests beyond `most` of an exporter; how many they were."""
        return int(await self._run(self._trim, exporter, most))

    def _trim(self, exporter: str, most: int) -> int:
        mine = _OUTBOX.c.exporter == exporter
        with self._engine.begin() as connection:
            count = connection.execute(select(func.count()).where(mine)).scalar_one()
            if count <= most:
                return 0
            oldest = select(_OUTBOX.c.id).where(mine).order_by(_OUTBOX.c.id).limit(count - most)
            connection.execute(delete(_OUTBOX).where(_OUTBOX.c.id.in_(oldest)))
            return int(count - most)

    async def _run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, *arguments)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"{self._url}: {_brief(error)}") from error

    def close(self) -> None:
        """Finish what is being written, and let go of the file."""
        self._thread.shutdown(wait=True)
        self._engine.dispose()


def _apply(done: "asyncio.Future[int]", applied: Callable[[int], None]) -> None:
    if not done.cancelled() and done.exception() is None:
        applied(done.result())


def _engine(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        _private(Path(database))
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 5.0})

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "journal_size_limit=67108864"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _private(path: Path) -> None:
    """Make the folder and the file, for their owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR))


@contextlib.contextmanager
def _reported(url: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"{url}: {_brief(error)}: move it away, or repair it") from error


def _brief(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).strip() or type(original).__name__
