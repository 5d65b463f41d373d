"""From what models take and give (arrays, frames, lists, sparse) to columns, by duck typing.

No framework is imported. Everything is copied once, because the app may change it afterwards.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Labels, Role

_NUMERIC: Final = "fiu"
_WIDE: Final = 5_000_000
"""Values of a sparse matrix that are made dense; a larger one is not read."""


def features(
    data: Any, known: Sequence[str] | None, excluded: frozenset[str], most: int
) -> tuple[Block | Labels, ...]:
    """The columns of a model's input.

    `known` are the model's own names of its features; `excluded` ones are left out, and so are
    those beyond the first `most`.

    >>> features([[1, "a"], [2, None]], ["age", "job"], frozenset(), 10)[1]
    Labels(role=<Role.FEATURE: 'feature'>, name='job', values=('a', None))
    """
    if type(data) is np.ndarray and data.ndim == 2 and data.dtype.kind in _NUMERIC and not excluded:
        width = data.shape[1]
        if 0 < width <= most:  # the common case, without a detour
            return (Block(Role.FEATURE, _names(known, width), data.astype(np.float64)),)
    if hasattr(data, "columns") and (hasattr(data, "dtypes") or hasattr(data, "schema")):
        given = [str(name) for name in data.columns]
        return _frame(
            data, given, [i for i, name in enumerate(given) if name not in excluded][:most]
        )
    matrix = _matrix(data)
    names = _names(known, matrix.shape[1])
    if matrix.shape[1] <= most and excluded.isdisjoint(names):
        kept = matrix
    else:
        chosen = [i for i, name in enumerate(names) if name not in excluded][:most]
        names, kept = tuple(names[i] for i in chosen), matrix[:, chosen]
    if kept.dtype.kind in _NUMERIC:
        return (Block(Role.FEATURE, names, np.array(kept, np.float64)),) if names else ()
    return tuple(column(Role.FEATURE, name, kept[:, i]) for i, name in enumerate(names))


def column(role: Role, name: str, values: Any) -> Block | Labels:
    """One column, of numbers if its dtype or, among objects, most of its values are."""
    array = np.asarray(values)
    if array.dtype.kind in _NUMERIC:
        return Block(role, (name,), np.array(array, np.float64).reshape(-1, 1))
    if array.dtype.kind == "M":
        return Block(role, (name,), _seconds(array).reshape(-1, 1))
    if array.dtype.kind in "OT":
        present = [v for v in array.tolist() if not _is_missing(v)]
        numbers = sum(_is_number(v) for v in present)
        if numbers and 2 * numbers > len(present):
            return _objects(role, name, array, len(present) - numbers)
    return Labels(role, name, tuple(labels(array)))


def labels(values: Any) -> list[str | None]:
    """Categories or classes as text; None, NaN and the like are missing."""
    return [None if _is_missing(v) else str(v) for v in np.asarray(values).ravel().tolist()]


def rows(data: Any) -> int:
    """How many rows a model's input has; 1 where it does not say."""
    shape = getattr(data, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    return len(data) if hasattr(data, "__len__") else 1


def _names(known: Sequence[str] | None, width: int) -> tuple[str, ...]:
    if known is not None and len(known) == width:
        return known if isinstance(known, tuple) else tuple(known)
    return tuple(f"x{i}" for i in range(width))


def _matrix(data: Any) -> npt.NDArray[Any]:
    if hasattr(data, "toarray"):
        if data.shape[0] * data.shape[1] > _WIDE:
            raise ValueError(f"sparse matrix of shape {data.shape} is too large to be read")
        data = data.toarray()
    array = data if isinstance(data, np.ndarray) else np.asarray(data)
    if array.dtype.kind in "US" and not isinstance(data, np.ndarray):
        array = np.asarray(data, dtype=object)  # numpy made text of mixed rows
    if array.ndim != 2:
        array = array.reshape(-1, 1) if array.ndim < 2 else array.reshape(len(array), -1)
    return array


def _frame(data: Any, names: list[str], chosen: list[int]) -> tuple[Block | Labels, ...]:
    """Columns of a pandas or polars frame: the numeric ones together, the others one by one."""
    parts = [data.iloc[:, i] if hasattr(data, "iloc") else data[names[i]] for i in chosen]
    numeric, others = [], []
    for index, part in zip(chosen, parts, strict=True):
        kind = getattr(getattr(part, "dtype", None), "kind", "")
        array = part.to_numpy()
        if kind in _NUMERIC and array.dtype.kind in _NUMERIC:
            numeric.append((names[index], array))
        elif kind and kind in _NUMERIC:  # a nullable type: missing values are objects
            numeric.append((names[index], part.to_numpy(dtype=np.float64, na_value=np.nan)))
        else:
            others.append(column(Role.FEATURE, names[index], array))
    if not numeric:
        return tuple(others)
    values = np.column_stack([array for _, array in numeric]).astype(np.float64, copy=False)
    return (Block(Role.FEATURE, tuple(name for name, _ in numeric), values), *others)


def _objects(role: Role, name: str, array: npt.NDArray[Any], mismatched: int) -> Block:
    numbers = [float(v) if _is_number(v) else np.nan for v in array.tolist()]
    counts = {name: mismatched} if mismatched else None
    return Block(role, (name,), np.array(numbers).reshape(-1, 1), counts)


def _seconds(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    nanos = array.astype("datetime64[ns]")
    seconds = nanos.astype(np.int64).astype(np.float64) / 1e9
    return np.where(np.isnat(nanos), np.nan, seconds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN
