"""From rows to arrays, some thousands at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select
from sqlalchemy.sql.selectable import NamedFromClause

from otelml.data import Outcomes
from otelml.store.schema import PREDICTIONS, Content, Known, class_of, number_of

AT_ONCE: Final = 8192
"""Rows that one piece has at most."""


_TRUTH: Final = tuple(f"truth_{name}" for name in Known._fields)


class _Labelled(NamedTuple):
    """A prediction and its truth, as they are read."""

    content: Content
    known: Known


def _read(row: Sequence[Any]) -> _Labelled:
    return _Labelled(Content(*row[:_CONTENT]), Known(*row[_CONTENT:]))


_CONTENT: Final = len(Content._fields)
_WIDTH: Final = _CONTENT + len(_TRUTH)


def of(connection: Connection, owner: int, start: int, end: int) -> Iterator[Outcomes]:
    """What one owner predicted in [start, end) beside its truth."""
    p = PREDICTIONS.c
    query = select(*_columns(PREDICTIONS)).where(
        p.owner == owner, p.time >= start, p.time < end, p.truth_time.is_not(None)
    )
    for rows in connection.execution_options(yield_per=AT_ONCE).execute(query).partitions():
        read = [_read(row) for row in rows]
        for classified in (True, False):
            if mine := [row for row in read if row.content.classified is classified]:
                yield _outcomes(mine, classified)


def learned(connection: Connection, owner: int, after: int) -> Iterator[tuple[int, Outcomes]]:
    """What one owner predicted beside its truth, in the order of the transactions that told it.

    A piece ends with a transaction, so that its number says how far one is.
    """
    p = PREDICTIONS.c
    query = select(p.learned, *_columns(PREDICTIONS)).where(p.owner == owner, p.learned > after)
    result = connection.execution_options(yield_per=AT_ONCE).execute(
        query.order_by(p.learned, p.row)
    )
    held: list[Any] = []
    for row in result:
        if len(held) >= AT_ONCE and held[-1][0] != row[0]:
            yield from _learned(held)
            held = []
        held.append(row)
    yield from _learned(held)


def _learned(rows: Sequence[Any]) -> Iterator[tuple[int, Outcomes]]:
    read = [_read(row[1:]) for row in rows]
    for classified in (True, False):
        if mine := [row for row in read if row.content.classified is classified]:
            yield rows[-1][0], _outcomes(mine, classified)


def paired(
    connection: Connection, champion: int, challenger: int, start: int, end: int
) -> Iterator[tuple[Outcomes, Outcomes]]:
    """What two owners predicted of the same ids, where both say a class or both a number.

    The challenger is judged by what was right of the champion: both answer its question.
    """
    a, b = PREDICTIONS.alias("a"), PREDICTIONS.alias("b")
    query = (
        select(*_columns(a), *(b.c[name] for name in Content._fields))
        .join_from(a, b, (a.c.id == b.c.id) & (b.c.owner == challenger))
        .where(a.c.owner == champion, a.c.time >= start, a.c.time < end)
        .where(a.c.truth_time.is_not(None))
    )
    for rows in connection.execution_options(yield_per=AT_ONCE).execute(query).partitions():
        champions = [_read(row[:_WIDTH]) for row in rows]
        read = [
            (one, _Labelled(Content(*row[_WIDTH:]), one.known))
            for one, row in zip(champions, rows, strict=True)
        ]
        for classified in (True, False):
            mine = [
                (x, y)
                for x, y in read
                if x.content.classified is y.content.classified is classified
            ]
            if mine:
                one, two = zip(*mine, strict=True)
                yield _outcomes(one, classified), _outcomes(two, classified)


def _columns(table: NamedFromClause) -> list[Any]:
    return [table.c[name] for name in (*Content._fields, *_TRUTH)]


def _outcomes(rows: Sequence[_Labelled], classified: bool) -> Outcomes:
    contents = zip(*(row.content for row in rows), strict=True)
    columns = dict(zip(Content._fields, contents, strict=True))
    weight = _floats([row.known.weight for row in rows])
    segments = _segments(columns["segments"])
    if classified:
        predicted = _objects(columns["label"])
        truth = _objects([class_of(row.known, row.content) for row in rows])
        classes, scores = _scores(columns)
        return Outcomes(predicted, truth, weight, classes, scores, segments=segments)
    low, high = _floats(columns["low"]), _floats(columns["high"])
    bounded = not (np.isnan(low).all() and np.isnan(high).all())
    return Outcomes(
        _floats(columns["value"]),
        _floats([number_of(row.known) for row in rows]),
        weight,
        low=low if bounded else None,
        high=high if bounded else None,
        segments=segments,
    )


def _scores(
    columns: Mapping[str, Sequence[Any]],
) -> tuple[tuple[str, ...], npt.NDArray[np.float64] | None]:
    """Classes, and a column of scores for each."""
    single, several = columns["score_class"], columns["scores"]
    classes = sorted({name for name in single if name is not None})
    if len(classes) == 1 and not any(several):  # the common case, without a detour
        return tuple(classes), _floats(columns["score"])[:, np.newaxis]
    read = [
        json.loads(text) if text is not None else {name: score}
        for text, name, score in zip(several, single, columns["score"], strict=True)
    ]
    classes = sorted({name for row in read for name in row if name is not None})
    if not classes:
        return (), None
    return tuple(classes), np.column_stack([_floats([r.get(c) for r in read]) for c in classes])


def _segments(texts: Sequence[str | None]) -> dict[str, npt.NDArray[Any]]:
    read = [_loads(text) if text is not None else {} for text in texts]
    names = dict.fromkeys(name for text in dict.fromkeys(texts) if text for name in _loads(text))
    return {name: _objects([row.get(name) for row in read]) for name in names}


@lru_cache(4096)
def _loads(text: str) -> dict[str, Any]:
    """Segments repeat from row to row."""
    read: dict[str, Any] = json.loads(text)
    return read


def _floats(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    return np.array(values, np.float64)


def _objects(values: Sequence[Any]) -> npt.NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array
