"""Counts of windows, and marks of those that changed; written with the rows that they sum up."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, update

from otelml.store.database import Database
from otelml.store.merge import Merge
from otelml.store.schema import PREDICTIONS, WINDOWS


def adding(database: Database) -> Any:
    """The statement that adds to counts and marks their windows."""
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


def added(merge: Merge, change: int) -> list[dict[str, Any]]:
    """What to add, by a transaction of that number."""
    return [
        {
            "owner": owner,
            "start": start,
            "predictions": predictions,
            "labelled": labelled,
            "change": change,
            "changed": True,
        }
        for (owner, start), (predictions, labelled) in merge.windows.items()
    ]


def recount(connection: Connection, length: int, change: int) -> None:
    """Count and mark anew, by windows of another length than before."""
    connection.execute(delete(WINDOWS))
    p = PREDICTIONS.c
    start = p.time - p.time % length
    counts = select(
        p.owner, start, func.count(), func.count(p.truth_time), literal(change), literal(True)
    ).group_by(p.owner, start)
    connection.execute(insert(WINDOWS).from_select(list(WINDOWS.c), counts))


def changed(connection: Connection) -> list[tuple[int, int, int]]:
    """Owner, start and change of marked windows, oldest first."""
    w = WINDOWS.c
    query = select(w.owner, w.start, w.change).where(w.changed).order_by(w.start, w.owner)
    return [(owner, start, change) for owner, start, change in connection.execute(query)]


def clean(connection: Connection, marks: Sequence[tuple[int, int, int]]) -> None:
    """Forget marks, by owner, start and change."""
    w = WINDOWS.c
    query = update(WINDOWS).where(
        w.owner == bindparam("of"), w.start == bindparam("at"), w.change == bindparam("seen")
    )
    rows = [{"of": owner, "at": start, "seen": change} for owner, start, change in marks]
    if rows:
        connection.execute(query.values(changed=False), rows)


def waiting(connection: Connection) -> list[tuple[int, int]]:
    """Owners with predictions, and how many of these have no label."""
    w = WINDOWS.c
    query = select(w.owner, func.sum(w.predictions - w.labelled)).group_by(w.owner)
    return [(owner, int(count)) for owner, count in connection.execute(query)]


def totals(connection: Connection, owner: int | None, start: int, end: int) -> tuple[int, int]:
    """Predictions, and labelled ones among them, of the windows that start in [start, end)."""
    w = WINDOWS.c
    query = select(func.sum(w.predictions), func.sum(w.labelled))
    query = query.where(w.owner == owner, w.start >= start, w.start < end)
    predictions, labelled = connection.execute(query).one()
    return int(predictions or 0), int(labelled or 0)
