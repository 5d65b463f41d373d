"""The durable, bounded join of predictions with labels that come seconds to weeks later.

Rows are the truth: counts and marks of change are written with them in one transaction, so that a
crash at any moment leaves them in agreement. What is kept is bounded in time and in number.
"""

import asyncio
import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, update

from otelml.data import Outcomes, Owner, Prediction, Truth
from otelml.store import expiry, outcomes
from otelml.store.database import Database, Group, StoreError
from otelml.store.expiry import Expired
from otelml.store.merge import Accepted, Merge, State, Waiting, text
from otelml.store.schema import (
    FORMAT,
    JOINS,
    LABELS,
    META,
    OWNERS,
    PREDICTIONS,
    WINDOWS,
    Content,
    Known,
    Row,
)

__all__ = ["Accepted", "Expired", "Joins", "Mark", "State"]

_SECOND: Final = 1_000_000_000
_AT_ONCE: Final = 500
"""Ids that are looked up by one statement."""

_Delivery: TypeAlias = tuple[Sequence[tuple[Owner, Prediction]], Sequence[Truth], int]


class Mark(NamedTuple):
    """A window in which something changed, by a transaction of that number."""

    owner: Owner
    start: int
    change: int


class Joins:
    """Predictions and labels of all models, kept for a time and up to a number.

    `window_seconds` is the length of the windows by which changes are told; all times given and
    returned are in nanoseconds since the epoch. `classes` are those of a model, where all of them
    are known: labels of others are refused.

    Raises:
        StoreError: the database cannot be opened, or holds what another version wrote.

    """

    def __init__(
        self,
        database: Database,
        expire_after_seconds: float,
        max_predictions: int,
        window_seconds: float,
        classes: Callable[[Owner], Container[str] | None] = lambda _: None,
    ) -> None:
        self._database, self._classes = database, classes
        self._expire_after = round(expire_after_seconds * _SECOND)
        self._most = max_predictions
        self.length = round(window_seconds * _SECOND)
        self._group = Group(database, self._accept)
        self._owners: dict[int, Owner] = {}
        self._numbers: dict[Owner, int] = {}
        self._count = _counting(database)
        database.create(META)
        with database.reported(), database.engine.begin() as connection:
            self._open(connection)

    async def accept(
        self, predictions: Sequence[tuple[Owner, Prediction]], truths: Sequence[Truth], now: int
    ) -> Accepted:
        """Keep and join a delivery; deliveries that come together are committed together.

        Raises:
            StoreError: nothing of it was kept.

        """
        return await asyncio.shield(self._group.put((predictions, truths, now)))

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
        return await self._database.run(self._pending, owner)

    async def population(self, owner: Owner, start: int, end: int) -> tuple[int, int]:
        """Predictions, and labelled ones among them, of the windows that start in [start, end)."""
        return await self._database.run(self._population, owner, start, end)

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

    def _open(self, connection: Connection) -> None:
        kept = connection.execute(select(JOINS)).one_or_none()
        if kept is None:
            row = {"id": 1, "format": FORMAT, "length": self.length, "change": 0}
            connection.execute(insert(JOINS), row)
        elif kept.format != FORMAT:
            raise StoreError(
                f"{self._database.name}: its format {kept.format} is not {FORMAT}: move it away"
            )
        elif kept.length != self.length:
            self._rewindow(connection)
        self._read_owners(connection)

    def _rewindow(self, connection: Connection) -> None:
        """Count anew, by windows of another length than before."""
        change = self._begin(connection)
        connection.execute(update(JOINS).values(length=self.length))
        connection.execute(delete(WINDOWS))
        p = PREDICTIONS.c
        start = p.time - p.time % self.length
        counts = select(
            p.owner, start, func.count(), func.count(p.truth_time), literal(change), literal(True)
        ).group_by(p.owner, start)
        connection.execute(insert(WINDOWS).from_select(list(WINDOWS.c), counts))

    def _begin(self, connection: Connection) -> int:
        """The number of this transaction; from here to its end no other writes joins."""
        connection.execute(update(JOINS).values(change=JOINS.c.change + 1))
        return int(connection.execute(select(JOINS.c.change)).scalar_one())

    def _read_owners(self, connection: Connection) -> None:
        rows = connection.execute(select(OWNERS))
        self._owners = {number: Owner(*json.loads(name)) for number, name in rows}
        self._numbers = {owner: number for number, owner in self._owners.items()}

    def _enrol(self, owners: set[Owner]) -> None:
        """Number new owners, in a transaction of its own: a number without rows does no harm."""
        query = self._database.insert(OWNERS).on_conflict_do_nothing()
        with self._database.engine.begin() as connection:
            connection.execute(query, [{"name": json.dumps(o)} for o in owners])
            self._read_owners(connection)

    def _accept(self, deliveries: list[_Delivery]) -> list[Accepted]:
        ids = {text(p.id) for predictions, _, _ in deliveries for _, p in predictions}
        ids |= {text(truth.id) for _, truths, _ in deliveries for truth in truths}
        owners = {owner for predictions, _, _ in deliveries for owner, _ in predictions}
        if new := owners - self._numbers.keys():
            self._enrol(new)
        with self._database.engine.begin() as connection:
            change = self._begin(connection)
            kept = self._kept(connection, list(ids))
            merge = Merge(*kept, self._owners, self.length, self._classes)
            answers = [
                merge.accept([(self._numbers[o], p) for o, p in predictions], truths, now)
                for predictions, truths, now in deliveries
            ]
            self._keep(connection, merge, change)
        return answers

    def _kept(self, connection: Connection, ids: list[str]) -> tuple[list[Row], dict[str, Waiting]]:
        """What there is of some ids."""
        rows, waiting = [], {}
        for at in range(0, len(ids), _AT_ONCE):
            some = {"ids": ids[at : at + _AT_ONCE]}
            for row, name, owner, time, *rest in connection.execute(_ROWS, some):
                known = None if rest[0] is None else Known(*rest[:4])
                rows.append(Row(row, name, owner, time, Content(*rest[4:]), known))
            for name, since, *known_ in connection.execute(_LABELS, some):
                waiting[name] = Waiting(since, Known(*known_))
        if unknown := {row.owner for row in rows} - self._owners.keys():  # another replica's
            self._read_owners(connection)
            assert unknown <= self._owners.keys()
        return rows, waiting

    def _keep(self, connection: Connection, merge: Merge, change: int) -> None:
        new = [
            _columns(row) | {"id": row.id, "owner": row.owner, "time": row.time}
            for row in merge.new
        ]
        filled, labelled = [], []
        for row in merge.changed():
            if row.filled:
                filled.append(_columns(row) | {"at": row.row})
            else:
                labelled.append(_truth(row) | {"at": row.row})
        gone, waiting = merge.labels()
        windows = [
            {
                "owner": owner,
                "start": start,
                "predictions": predictions,
                "labelled": known,
                "change": change,
                "changed": True,
            }
            for (owner, start), (predictions, known) in merge.windows.items()
        ]
        labels = [
            {"id": name, "since": since} | dict(zip(_KNOWN, known, strict=True))
            for name, (since, known) in waiting.items()
        ]
        for query, rows in (
            (insert(PREDICTIONS), new),
            (_UPDATE, filled),
            (_UPDATE, labelled),
            (delete(LABELS).where(LABELS.c.id == bindparam("gone")), [{"gone": g} for g in gone]),
            (insert(LABELS), labels),
            (self._count, windows),
        ):
            if rows:
                connection.execute(query, rows)

    def _expire(self, before: int) -> Expired:
        with self._database.engine.begin() as connection:
            self._begin(connection)
            return expiry.some(connection, before, self._most, self.length)

    def _changed(self) -> list[Mark]:
        w = WINDOWS.c
        query = select(w.owner, w.start, w.change).where(w.changed).order_by(w.start, w.owner)
        with self._database.engine.connect() as connection:
            rows = connection.execute(query).all()
            if any(row.owner not in self._owners for row in rows):
                self._read_owners(connection)
        return [Mark(self._owners[owner], start, change) for owner, start, change in rows]

    def _clean(self, marks: list[Mark]) -> None:
        w = WINDOWS.c
        query = update(WINDOWS).values(changed=False)
        query = query.where(
            w.owner == bindparam("of"), w.start == bindparam("at"), w.change == bindparam("seen")
        )
        rows = [{"of": self._numbers[o], "at": at, "seen": seen} for o, at, seen in marks]
        if rows:
            with self._database.engine.begin() as connection:
                connection.execute(query, rows)

    def _pending(self, owner: Owner) -> int:
        w = WINDOWS.c
        query = select(func.sum(w.predictions - w.labelled))
        with self._database.engine.connect() as connection:
            number = self._number(connection, owner)
            return int(connection.execute(query.where(w.owner == number)).scalar_one() or 0)

    def _population(self, owner: Owner, start: int, end: int) -> tuple[int, int]:
        w = WINDOWS.c
        query = select(func.sum(w.predictions), func.sum(w.labelled))
        with self._database.engine.connect() as connection:
            number = self._number(connection, owner)
            query = query.where(w.owner == number, w.start >= start, w.start < end)
            predictions, labelled = connection.execute(query).one()
        return int(predictions or 0), int(labelled or 0)

    def _number(self, connection: Connection, owner: Owner) -> int | None:
        query = select(OWNERS.c.id).where(OWNERS.c.name == json.dumps(owner))
        return connection.execute(query).scalar_one_or_none()


def _counting(database: Database) -> Any:
    """Add to the counts of windows, and mark them."""
    query = database.insert(WINDOWS)
    new, w = query.excluded, WINDOWS.c
    return query.on_conflict_do_update(
        index_elements=[w.owner, w.start],
        set_={
            "predictions": w.predictions + new.predictions,
            "labelled": w.labelled + new.labelled,
            "change": new.change,
            "changed": True,
        },
    )


def _columns(row: Row) -> dict[str, Any]:
    return row.content._asdict() | _truth(row)


def _truth(row: Row) -> dict[str, Any]:
    return dict(zip(_TRUTH, row.known or _UNKNOWN, strict=True))


_KNOWN: Final = Known._fields
_UNKNOWN: Final = (None,) * len(_KNOWN)
_TRUTH: Final = tuple(f"truth_{name}" for name in _KNOWN)
_P: Final = PREDICTIONS.c
_ROWS: Final = select(
    _P.row, _P.id, _P.owner, _P.time, *(_P[n] for n in _TRUTH), *(_P[n] for n in Content._fields)
).where(_P.id.in_(bindparam("ids", expanding=True)))
_LABELS: Final = select(LABELS.c.id, LABELS.c.since, *(LABELS.c[n] for n in _KNOWN)).where(
    LABELS.c.id.in_(bindparam("ids", expanding=True))
)
_UPDATE: Final = update(PREDICTIONS).where(_P.row == bindparam("at"))
