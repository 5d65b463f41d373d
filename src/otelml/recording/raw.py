"""Calls on small arrays, buffered as bytes: their columns are worked out when they are folded.

A copy of the bytes is all that the caller pays for, and calls that are alike are read as one
matrix. What is kept here holds no model.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Labels, Model, Role

_PORTION: Final = 4096.0
"""Rows of eight numbers or less that are read at a time: what is read takes room."""

Columns: TypeAlias = tuple[Block | Labels, ...]
Layout: TypeAlias = tuple[tuple[int, ...], np.dtype[Any]]
Raw: TypeAlias = tuple[float, bytes, bytes, set[Role] | None, int, int, int, tuple[str, ...]]
"""An outermost call: its seconds, the bytes of its input and result, `seen`, and its origin.

`seen` are the roles counted already of this very input, by this call or its siblings, in this
request. The origin is the time, 0 if the rows leave no records, the ids of trace and span, and the
rows' own. It is a plain tuple because those, unlike named ones, cost no collection of garbage.
"""


class Reading(ABC):
    """How calls are read that have the model, the operation and the layout of arrays in common.

    `given` and `returned` are the shapes and dtypes of a call's input and result, rows first;
    calls of one `kind` differ in their number of rows, if at all.
    """

    __slots__ = ("about", "given", "kind", "layout", "model", "returned", "rows", "weight")

    def __init__(
        self, model: Model, operation: str, system: str, given: Layout, returned: Layout
    ) -> None:
        self.model, self.about = model, (model, operation, system)
        self.given, self.returned, self.layout = given, returned, (*given, *returned)
        self.rows = given[0][0]
        size = sum(float(np.prod(shape)) * dtype.itemsize for shape, dtype in (given, returned))
        self.weight = max(self.rows, size / 64)  # in rows of eight numbers or less
        layouts = ((shape[1:], dtype) for shape, dtype in (given, returned))
        self.kind: tuple[Any, ...] = (*self.about, *layouts)

    @abstractmethod
    def columns(
        self, data: npt.NDArray[Any] | None, result: npt.NDArray[Any]
    ) -> tuple[Columns, bool]:
        """Columns of the inputs, if given, and results of calls; whether some were unreadable."""


class Held(NamedTuple):
    """What waited of one reading.

    `bare` are the seconds of calls of which nothing but themselves is left to be counted.
    """

    reading: Reading
    calls: list[Raw]
    bare: list[float]


class Read(NamedTuple):
    """Columns of calls whose rows lie one below the other: with how many rows each.

    `unread` is the number of rows of which something could not be read.
    """

    columns: Columns
    unread: int
    calls: list[Raw]
    rows: list[int]


def read(alike: Iterable[Held]) -> Iterator[Read]:
    """The columns of calls of one kind, many calls at a time."""
    fresh: list[Held] = []
    others: dict[frozenset[Role], list[Held]] = {}
    met: set[int] = set()
    for held in alike:
        first = [call for call in held.calls if call[3] is None]
        if first:
            fresh.append(held._replace(calls=first))
        if len(first) == len(held.calls):
            continue
        for call in held.calls:
            seen = call[3]
            if seen is not None and id(seen) not in met:  # the same call again tells nothing new
                met.add(id(seen))
                others.setdefault(frozenset(seen), []).append(held._replace(calls=[call]))
    for some in _portions(fresh):
        yield _stacked(some, frozenset())
    for known, group in others.items():
        for some in _portions(group):
            found = _stacked(some, known)
            roles = {Role.FEATURE, *(column.role for column in found.columns)}
            for seen in (call[3] for call in found.calls):
                if seen is not None:
                    seen.update(roles)
            yield found._replace(columns=tuple(c for c in found.columns if c.role not in known))


def _portions(alike: Iterable[Held]) -> Iterator[list[Held]]:
    """The same, some at a time."""
    some: list[Held] = []
    room = _PORTION
    for held in alike:
        calls, weight = held.calls, held.reading.weight
        while calls:
            most = max(int(room / weight), 1)
            some.append(held._replace(calls=calls[:most]))
            calls, room = calls[most:], room - most * weight
            if room < weight:
                yield some
                some, room = [], _PORTION
    if some:
        yield some


def _stacked(alike: list[Held], known: frozenset[Role]) -> Read:
    """The columns of calls, read as if they were one; no features if they are known."""
    reading = alike[0].reading
    calls = [call for held in alike for call in held.calls]
    rows = [n for reading, calls, _ in alike for n in [reading.rows] * len(calls)]
    result = _joined([call[2] for call in calls], reading.returned)
    data = None if Role.FEATURE in known else _joined([call[1] for call in calls], reading.given)
    columns, unread = reading.columns(data, result)
    return Read(columns, sum(rows) if unread else 0, calls, rows)


def _joined(parts: list[bytes], layout: Layout) -> npt.NDArray[Any]:
    """The arrays that these are the bytes of, one below the other."""
    shape, dtype = layout
    return np.frombuffer(b"".join(parts), dtype).reshape(-1, *shape[1:])
