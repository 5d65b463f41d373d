"""Calls on small arrays, buffered as bytes: their columns are worked out when they are folded.

A copy of the bytes is all that the caller pays for, and calls that are alike are read as one
matrix. What is kept here holds no model.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Labels, Model, Origin, Role

Columns: TypeAlias = tuple[Block | Labels, ...]
Layout: TypeAlias = tuple[tuple[int, ...], np.dtype[Any]]


class Reading(ABC):
    """How calls are read that have the model, the operation and the layout of arrays in common.

    `given` and `returned` are the shapes and dtypes of a call's input and result, rows first;
    calls of one `kind` differ in their number of rows, if at all.
    """

    __slots__ = ("given", "kind", "model", "operation", "returned", "rows", "system", "weight")

    def __init__(
        self, model: Model, operation: str, system: str, given: Layout, returned: Layout
    ) -> None:
        self.model, self.operation, self.system = model, operation, system
        self.given, self.returned = given, returned
        self.rows = given[0][0]
        size = sum(float(np.prod(shape)) * dtype.itemsize for shape, dtype in (given, returned))
        self.weight = max(self.rows, size / 64)  # in rows of eight numbers or less
        layouts = ((shape[1:], dtype) for shape, dtype in (given, returned))
        self.kind: tuple[Any, ...] = (model, operation, system, *layouts)

    @abstractmethod
    def columns(
        self, data: npt.NDArray[Any] | None, result: npt.NDArray[Any]
    ) -> tuple[Columns, bool]:
        """Columns of the inputs, if given, and results of calls; whether some were unreadable."""


class Raw(NamedTuple):
    """One outermost model call whose arrays are still to be read.

    `seen` are the roles counted already of this very input, by this call or its siblings, in this
    request. Without `data`, nothing but the call itself is left to be counted.
    """

    reading: Reading
    seconds: float
    data: bytes | None
    result: bytes
    seen: set[Role] | None
    origin: Origin | None = None

    @property
    def rows(self) -> int:
        """Rows of its input."""
        return self.reading.rows


def read(calls: Iterable[Raw]) -> Iterator[tuple[Columns, int, list[Raw]]]:
    """Columns of calls of one kind, as few as can be; how many rows were unreadable; the calls.

    The rows of the calls lie one below the other.
    """
    fresh: list[Raw] = []
    others: dict[frozenset[Role], list[Raw]] = {}
    met: set[int] = set()
    for call in calls:
        if call.data is None:
            continue
        seen = call.seen
        if seen is None:
            fresh.append(call)
        elif id(seen) not in met:  # the same call again tells nothing new
            met.add(id(seen))
            others.setdefault(frozenset(seen), []).append(call)
    if fresh:
        columns, unread = _stacked(fresh, frozenset())
        yield columns, sum(call.rows for call in fresh) if unread else 0, fresh
    for known, group in others.items():
        columns, unread = _stacked(group, known)
        roles = {Role.FEATURE, *(column.role for column in columns)}
        for call in group:
            if call.seen is not None:
                call.seen.update(roles)
        new = tuple(column for column in columns if column.role not in known)
        yield new, sum(call.rows for call in group) if unread else 0, group


def _stacked(calls: list[Raw], known: frozenset[Role]) -> tuple[Columns, bool]:
    """Columns of calls, read as if they were one; no features if they are known."""
    reading = calls[0].reading
    result = _joined([call.result for call in calls], reading.returned)
    if Role.FEATURE in known:
        return reading.columns(None, result)
    data = _joined([call.data or b"" for call in calls], reading.given)
    return reading.columns(data, result)


def _joined(parts: list[bytes], layout: Layout) -> npt.NDArray[Any]:
    """The arrays that these are the bytes of, one below the other."""
    shape, dtype = layout
    return np.frombuffer(b"".join(parts), dtype).reshape(-1, *shape[1:])
