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

Columns: TypeAlias = tuple[Block | Labels, ...]
_CELL: Final = 64
"""Bytes that weigh as much as a row."""


class Reading(ABC):
    """How calls of one model and operation are read, whose inputs are of one dtype and width."""

    __slots__ = ("dtype", "model", "operation", "system", "width")

    def __init__(
        self, model: Model, operation: str, system: str, dtype: np.dtype[Any], width: int
    ) -> None:
        self.model, self.operation, self.system = model, operation, system
        self.dtype, self.width = dtype, width

    @abstractmethod
    def columns(
        self, data: npt.NDArray[Any] | None, result: npt.NDArray[Any] | None
    ) -> tuple[Columns, bool]:
        """Columns of inputs of shape (rows, width) and of results; whether some were unreadable."""


class Raw(NamedTuple):
    """One outermost model call whose input is still to be read, and its result unless `columns`.

    `dtype` and `tail` are the result's dtype and shape after its rows; `seen` are the roles counted
    already of this very input, by this call or its siblings, in this request. Without `data`,
    nothing but the call itself is left to be counted.
    """

    reading: Reading
    rows: int
    seconds: float
    weight: float
    data: bytes | None
    result: bytes | None = None
    dtype: np.dtype[Any] | None = None
    tail: tuple[int, ...] = ()
    columns: Columns = ()
    seen: set[Role] | None = None

    @property
    def model(self) -> Model:
        """The model that was called."""
        return self.reading.model

    @property
    def operation(self) -> str:
        """What it was called for."""
        return self.reading.operation

    @property
    def system(self) -> str:
        """The serving system, or the library."""
        return self.reading.system

    @property
    def error_type(self) -> None:
        """None: a call that failed has no result to be read."""


def weight(rows: int, size: int) -> float:
    """How much of the buffer so many bytes take, in rows of eight numbers or less."""
    return max(rows, size / _CELL)


def read(calls: Iterable[Raw]) -> Iterator[tuple[Columns, int]]:
    """Columns of calls of one reading, as few as can be, and how many rows were unreadable."""
    alike: dict[Any, list[Raw]] = {}
    met: set[int] = set()
    for call in calls:
        _, _, _, _, data, _, dtype, tail, _, seen = call
        if data is None:
            continue
        known: frozenset[Role] = frozenset()
        if seen is not None:
            if id(seen) in met:  # the same call again: all that it tells is counted
                continue
            met.add(id(seen))
            known = frozenset(seen)
        try:
            alike[dtype, tail, known].append(call)
        except KeyError:
            alike[dtype, tail, known] = [call]
    for (_, _, known), group in alike.items():
        columns, unread = _stacked(group, known)
        for call in group:
            if call.seen is not None:
                call.seen.update((Role.FEATURE, *(column.role for column in columns)))
        new = tuple(column for column in columns if column.role not in known)
        yield new, sum(call.rows for call in group) if unread else 0
        for call in group:
            if call.columns:
                yield call.columns, 0


def _stacked(calls: list[Raw], known: frozenset[Role]) -> tuple[Columns, bool]:
    """Columns of calls whose results are of one dtype and shape; no features if they are known."""
    first = calls[0]
    reading, dtype = first.reading, first.dtype
    data = result = None
    if Role.FEATURE not in known:
        joined = b"".join([call.data or b"" for call in calls])
        data = np.frombuffer(joined, reading.dtype).reshape(-1, reading.width)
    if dtype is not None:
        joined = b"".join([call.result or b"" for call in calls])
        result = np.frombuffer(joined, dtype).reshape(-1, *first.tail)
    return reading.columns(data, result)
