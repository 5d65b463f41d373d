"""One processor at a time writes the state that is kept in a database.

Who was killed holds nothing any more: SQLite's lease is a lock on a file beside it, PostgreSQL's
one of a session. A session may be lost while its processor lives; so whoever takes the lease there
writes its name down, and who finds another's in place of its own has lost the state for good.
"""

import contextlib
import fcntl
import os
import stat
import uuid
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from otelml.store.database import Database, StoreError

_META: Final = MetaData()
_HOLDER: Final = Table(
    "holder",
    _META,
    Column("id", Integer, primary_key=True),
    Column("name", String(32), nullable=False),
)
_SPACE: Final = zlib.crc32(b"otelml") >> 1  # so that the key below fits 64 bits with a sign
_KEEPALIVES: Final = (
    "SET tcp_keepalives_idle = 10",  # seconds: of a host that died nobody else tells
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)


class LostError(StoreError):
    """Another processor took over the state: what this one knows of it is out of date."""


class Lease(Protocol):
    """The right to write state."""

    lost: LostError | None
    """What is raised from now on, if another took it."""

    def begin(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction of who holds it.

        Raises:
            LostError: another took it.
            StoreError: it cannot be had now.

        """

    def close(self) -> None:
        """Let go of it."""


def lease(database: Database) -> Lease:
    """The lease on a database.

    Raises:
        StoreError: another processor holds it.

    """
    with database.reported(database.advice):
        return _File(database) if database.engine.name == "sqlite" else _Session(database)


class _File:
    """A lock on a file beside the database's own, which SQLite locks in its way."""

    lost: LostError | None = None

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._held: int | None = None
        path = self._engine.url.database
        if not path or path == ":memory:":
            return
        self._held = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise _in_use(database) from None

    def begin(self) -> contextlib.AbstractContextManager[Connection]:
        return self._engine.begin()

    def close(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


class _Session:
    """An advisory lock of a session, and what is written in that session."""

    def __init__(self, database: Database) -> None:
        self._database, self._name = database, uuid.uuid4().hex
        self.lost: LostError | None = None
        self._connection, locked = self._locked()
        if not locked:
            self.close()
            raise _in_use(database)
        with self._connection.begin():
            _META.create_all(self._connection)
            query = database.insert(_HOLDER).values(id=1, name=self._name)
            new = {"name": query.excluded.name}
            self._connection.execute(query.on_conflict_do_update(index_elements=["id"], set_=new))

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        if self.lost is not None:
            raise self.lost
        if self._connection.invalidated:
            self._renew()
        with self._connection.begin():
            yield self._connection

    def _renew(self) -> None:
        """Take the lock again after the session was lost, unless another came in between."""
        connection, locked = self._locked()
        with connection.begin():
            name = connection.execute(select(_HOLDER.c.name)).scalar_one()
        if locked and name == self._name:
            self.close()
            self._connection = connection
            return
        connection.close()
        if name == self._name:
            raise _in_use(self._database)
        self.lost = LostError(
            f"{self._database.name}: another processor took over the state, as this one lost its"
            " connection: nothing that was acknowledged is lost"
        )
        raise self.lost

    def _locked(self) -> tuple[Connection, bool]:
        """A session of its own, not of the pool, and whether it has the lock."""
        connection = self._database.engine.connect()
        connection.detach()
        with connection.begin():
            for setting in _KEEPALIVES:
                connection.exec_driver_sql(setting)
            schema: str = connection.execute(select(func.current_schema())).scalar_one()
            key = _SPACE << 32 | zlib.crc32(schema.encode())
            tried = select(func.pg_try_advisory_lock(key))
            return connection, connection.execute(tried).scalar_one()

    def close(self) -> None:
        if not (self._connection.closed or self._connection.invalidated):
            # By itself the server sees only a while later that the session ended.
            with contextlib.suppress(SQLAlchemyError), self._connection.begin():
                self._connection.execute(select(func.pg_advisory_unlock_all()))
        self._connection.close()


def _in_use(database: Database) -> StoreError:
    return StoreError(
        f"{database.name}: another processor uses it: let that one end, or give this one its own"
    )
