"""A model call as a hook saw it, with the columns that went in and came out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.data.key import Model, Role


class Block(NamedTuple):
    """Numeric columns that lie side by side: `values` is float64 of shape (rows, len(names)).

    NaN is missing; `mismatched` counts, by name, values that are not numbers and are NaN here.
    Without names it stands for a column that could not be read. `positive` is the class that a
    binary classifier's scores are of, where it is known.
    """

    role: Role
    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    mismatched: Mapping[str, int] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    positive: Any = None


class Labels(NamedTuple):
    """A column of categories or classes; `None` is missing."""

    role: Role
    name: str
    values: tuple[str | None, ...]


class Origin(NamedTuple):
    """Where the rows of a call come from: when, in which span, and what they are called.

    `ids` has one id for all rows or one a row; with none the span's id is theirs. `rows` says
    which rows of the call its columns hold, where these are a sample. `intervals`, of shape
    (rows, 2), are those that the model says its values lie in.
    """

    time: int
    trace_id: int = 0
    span_id: int = 0
    ids: tuple[str, ...] = ()
    rows: npt.NDArray[np.intp] | None = None
    intervals: npt.NDArray[np.float64] | None = None


class Inference(NamedTuple):
    """One outermost model call, as a hook saw it; it never leaves the process.

    `unread` says that its columns are left out because they could not be read. One without an
    `origin` leaves no records of its rows.
    """

    model: Model
    operation: str
    system: str
    rows: int
    seconds: float
    columns: tuple[Block | Labels, ...] = ()
    error_type: str | None = None
    unread: bool = False
    origin: Origin | None = None
