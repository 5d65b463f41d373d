"""One database, SQLite or PostgreSQL, and the one thread on which all is written.

What was committed survives the death of the process at any moment: SQLite writes ahead
(`synchronous=NORMAL`, so that only a loss of power may take back the last commits, whole ones),
PostgreSQL flushes at each commit.
"""

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, TypeVar

from sqlalchemy import (
    URL,
    BigInteger,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

Item = TypeVar("Item")
Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
"""A primary key that the database counts up; SQLite's own integers have 64 bits."""


_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "journal_size_limit=67108864",
    "wal_autocheckpoint=16000",  # pages: ids are random, so that few dirty pages are neighbours
    "cache_size=-16384",  # KiB
)


class StoreError(Exception):
    """State cannot be read or written; says what and where."""


class Database:
    """A store named by an SQLAlchemy URL.

    Raises:
        StoreError: it cannot be opened.

    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except (SQLAlchemyError, ValueError):  # whose text may hold the password
            raise StoreError("the storage url cannot be read: see SQLAlchemy's form") from None
        self.name = parsed.difference_update_query(["password", "sslpassword"]).render_as_string()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="otelml-store")
        self.advice = (
            "choose a file that can be written, or move a damaged one away"
            if parsed.get_backend_name() == "sqlite"
            else "see that the server is there and lets this user make tables"
        )
        """What to do if it cannot be opened."""
        with self.reported(self.advice):
            try:
                self.engine = _engine(parsed)
            except ImportError as error:
                raise StoreError(
                    f"{self.name}: {error}: pip install 'otelml[postgresql]'"
                ) from error

    def create(self, tables: MetaData) -> None:
        """Make the tables that are not there yet."""
        with self.reported(self.advice):
            tables.create_all(self.engine)

    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """An insertion that can say what happens on conflict."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    async def run(
        self,
        work: Callable[Parameters, Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Do work on the store's thread.

        Raises:
            StoreError: the database refused.

        """
        loop = asyncio.get_running_loop()
        with self.reported():
            return await loop.run_in_executor(self._thread, lambda: work(*arguments, **named))

    @contextlib.contextmanager
    def reported(self, advice: str = "") -> Iterator[None]:
        """Errors of the database as `StoreError`."""
        try:
            yield
        except (SQLAlchemyError, OSError, UnicodeError) as error:  # names of a damaged schema
            text = f"{self.name}: {_brief(error)}"
            raise StoreError(f"{text}: {advice}" if advice else text) from error

    def close(self) -> None:
        """Finish what is being written, and let go of the database."""
        self._thread.shutdown(wait=True)
        self.engine.dispose()


class Group(Generic[Item, Result]):
    """What comes while a commit is under way is written by one commit after it.

    `write` takes items in the order of their arrival and gives a result for each, or raises.
    """

    def __init__(self, database: Database, write: Callable[[list[Item]], list[Result]]) -> None:
        self._database, self._write = database, write
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writing: asyncio.Task[None] | None = None

    def put(self, item: Item) -> "asyncio.Future[Result]":
        """What `write` gives for an item, once it is committed."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._commit())
        return future

    async def _commit(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            futures = [future for _, future in batch]
            try:
                results = await self._database.run(self._write, [item for item, _ in batch])
            except StoreError as error:
                for future in futures:
                    _settle(future, error)
                continue
            except BaseException as error:
                for future in futures:
                    _settle(future, StoreError(f"{self._database.name}: {error!r}"))
                raise
            for future, result in zip(futures, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _settle(future: "asyncio.Future[Any]", error: StoreError) -> None:
    if not future.done():
        future.set_exception(error)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        _private(Path(url.database))
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 5.0})

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _private(path: Path) -> None:
    """Make the folder and the file, for their owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR))


def _brief(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).strip() or type(original).__name__
