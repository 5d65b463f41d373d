"""What is too old or too much goes, in transactions too short to be noticed."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from otelml.store.rows import forget
from otelml.store.schema import LABELS, OWNERS, PREDICTIONS, WINDOWS

AT_ONCE: Final = 2000
"""Rows that one transaction deletes of each table."""
_BY_ROW: Final = 500


class Expired(NamedTuple):
    """Predictions that are kept no longer, and labels that nothing ever matched."""

    predictions: int
    labels: int


def some(connection: Connection, before: int, most: int, length: int) -> Expired:
    """Delete the oldest of what is from before a time, or beyond a number."""
    p, w = PREDICTIONS.c, WINDOWS.c
    kept = connection.execute(select(func.sum(w.predictions))).scalar_one() or 0
    gone = 0
    windows = select(w.owner, w.start).order_by(w.start, w.owner).limit(AT_ONCE)
    for owner, start in connection.execute(windows).all():
        over = AT_ONCE if start + length <= before else kept - gone - most
        room = min(over, AT_ONCE - gone)
        if room <= 0:
            break
        mine = (p.owner == owner, p.time >= start, p.time < start + length)
        query = select(p.row, p.truth_time).where(*mine).order_by(p.time, p.row).limit(room)
        rows = connection.execute(query).all()
        for at in range(0, len(rows), _BY_ROW):
            numbers = [row.row for row in rows[at : at + _BY_ROW]]
            connection.execute(delete(PREDICTIONS).where(p.row.in_(numbers)))
        gone += len(rows)
        this = (w.owner == owner, w.start == start)
        labelled = sum(row.truth_time is not None for row in rows)
        connection.execute(
            update(WINDOWS)
            .where(*this)
            .values(predictions=w.predictions - len(rows), labelled=w.labelled - labelled)
        )
        connection.execute(delete(WINDOWS).where(*this, w.predictions <= 0))
    return Expired(gone, _labels(connection, before, most))


def _labels(connection: Connection, before: int, most: int) -> int:
    kept = connection.execute(select(func.count()).select_from(LABELS)).scalar_one()
    query = select(LABELS.c.id, LABELS.c.model, LABELS.c.since)
    query = query.order_by(LABELS.c.since, LABELS.c.id, LABELS.c.model)
    oldest = connection.execute(query.limit(AT_ONCE)).all()
    rows = [row for i, row in enumerate(oldest) if row.since < before or i < kept - most]
    forget(connection, [(row.id, row.model) for row in rows])
    return len(rows)


def owners(connection: Connection) -> int:
    """Delete the owners of whom nothing is kept; how many they were."""
    theirs = select(WINDOWS.c.owner).where(WINDOWS.c.owner == OWNERS.c.id)
    return connection.execute(delete(OWNERS).where(~theirs.exists())).rowcount
