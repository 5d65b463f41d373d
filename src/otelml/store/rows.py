"""Rows of predictions and labels, from the database and back to it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from otelml.store.merge import Labels, Merge, Waiting
from otelml.store.schema import LABELS, PREDICTIONS, Content, Known, Row

_AT_ONCE: Final = 500
"""Ids that are looked up by one statement."""


def kept(connection: Connection, ids: Sequence[str]) -> tuple[list[Row], Labels]:
    """What there is of some ids."""
    rows: list[Row] = []
    waiting: Labels = {}
    for at in range(0, len(ids), _AT_ONCE):
        some = {"ids": ids[at : at + _AT_ONCE]}
        for row, name, owner, time, learned, *rest in connection.execute(_ROWS, some):
            known = None if rest[0] is None else Known(*rest[:_WIDTH])
            rows.append(Row(row, name, owner, time, Content(*rest[_WIDTH:]), known, learned))
        for name, since, *truth in connection.execute(_LABELS, some):
            known = Known(*truth)
            waiting[name, known.model] = Waiting(since, known)
    return rows, waiting


def keep(connection: Connection, merge: Merge, change: int) -> None:
    """Write what is new or changed, by the transaction of that number."""
    for row in (*merge.new, *merge.changed()):
        if row.known is not None and row.learned is None:
            row.learned = change
    new = [
        _columns(row) | {"id": row.id, "owner": row.owner, "time": row.time} for row in merge.new
    ]
    filled, labelled = [], []
    for row in merge.changed():
        if row.filled:
            filled.append(_columns(row) | {"at": row.row})
        else:
            labelled.append(_truth(row) | {"at": row.row})
    gone, waiting = merge.labels()
    labels = [
        {"id": name, "since": since} | known._asdict()
        for (name, _), (since, known) in waiting.items()
    ]
    forget(connection, gone)
    for query, rows in (
        (insert(PREDICTIONS), new),
        (_UPDATE, filled),
        (_UPDATE, labelled),
        (insert(LABELS), labels),
    ):
        if rows:
            connection.execute(query, rows)


def forget(connection: Connection, labels: Iterable[tuple[str, str]]) -> None:
    """Delete labels that wait, by id and model."""
    if gone := [{"of": name, "by": model} for name, model in labels]:
        connection.execute(_FORGET, gone)


def _columns(row: Row) -> dict[str, Any]:
    return row.content._asdict() | _truth(row)


def _truth(row: Row) -> dict[str, Any]:
    return dict(zip(_TRUTH, row.known or _UNKNOWN, strict=True)) | {"learned": row.learned}


_KNOWN: Final = Known._fields
_WIDTH: Final = len(_KNOWN)
_UNKNOWN: Final = (None,) * _WIDTH
_TRUTH: Final = tuple(f"truth_{name}" for name in _KNOWN)
_P: Final = PREDICTIONS.c
_ROWS: Final = select(
    _P.row,
    _P.id,
    _P.owner,
    _P.time,
    _P.learned,
    *(_P[n] for n in _TRUTH),
    *(_P[n] for n in Content._fields),
).where(_P.id.in_(bindparam("ids", expanding=True)))
_LABELS: Final = select(LABELS.c.id, LABELS.c.since, *(LABELS.c[n] for n in _KNOWN)).where(
    LABELS.c.id.in_(bindparam("ids", expanding=True))
)
_UPDATE: Final = update(PREDICTIONS).where(_P.row == bindparam("at"))
_FORGET: Final = delete(LABELS).where(
    LABELS.c.id == bindparam("of"), LABELS.c.model == bindparam("by")
)
