"""From what models take and give (arrays, frames, lists, sparse) to columns, by duck typing.

No framework is imported. Everything is copied once, because the app may change it afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Labels, Role
from otelml.recording.arrays import objects_of, plain, summary
from otelml.recording.scalars import LONGEST, category_of, is_missing, is_number, number_of, seconds
from otelml.wire.rows import encodable

_NUMERIC: Final = "fiu"
_EMBEDDING: Final = 256
"""Unnamed columns beyond which a row is summed up instead."""
_WIDE: Final = 5_000_000
"""Values of a sparse matrix that are made dense; a larger one is not read."""


def features(
    data: Any, known: Sequence[str] | None, excluded: frozenset[str], most: int
) -> tuple[Block | Labels, ...]:
    """The columns of a model's input.

    `known` are the model's own names of its features; `excluded` ones are left out, and so are
    those beyond the first `most`. A column that cannot be read leaves a block without names.

    >>> features([[1, "a"], [2, None]], ["age", "job"], frozenset(), 10)[1]
    Labels(role=<Role.FEATURE: 'feature'>, name='job', values=('a', None))
    """
    if type(data) is np.ndarray and data.ndim == 2 and data.dtype.kind in _NUMERIC and not excluded:
        width = data.shape[1]
        if 0 < width <= most:  # the common case, without a detour
            return (Block(Role.FEATURE, _names(known, width), data.astype(np.float64)),)
    if hasattr(data, "column_names") and hasattr(data, "schema"):  # Arrow: its `columns` are data
        return table(_arrow(data), excluded, most)
    if hasattr(data, "columns") and (hasattr(data, "dtypes") or hasattr(data, "schema")):
        given = encodable([str(name) for name in data.columns])
        return _frame(
            data, given, [i for i, name in enumerate(given) if name not in excluded][:most]
        )
    if isinstance(data, Mapping) and not hasattr(data, "toarray"):  # as some sparse ones are
        return table(data, excluded, most)
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        names_seen = dict.fromkeys(name for row in data for name in row)
        by_name = {name: objects_of([row.get(name) for row in data]) for name in names_seen}
        return table(by_name, excluded, most)
    matrix = as_array(data)
    if matrix.ndim > 2 or (matrix.shape[1] > _EMBEDDING and not _fits(known, matrix.shape[1])):
        return (summary("", matrix),)
    names = _names(known, matrix.shape[1])
    chosen = [i for i, name in enumerate(names) if name not in excluded][:most]
    kept = matrix if len(chosen) == len(names) else matrix[:, chosen]
    names = tuple(names[i] for i in chosen)
    if kept.dtype.kind in _NUMERIC:
        return (Block(Role.FEATURE, names, np.array(kept, np.float64)),) if names else ()
    return tuple(_feature(name, kept[:, i]) for i, name in enumerate(names))


def table(
    columns: Mapping[Any, Any], excluded: frozenset[str] = frozenset(), most: int = 100
) -> tuple[Block | Labels, ...]:
    """The columns of a mapping from names to values: arrays, tensors, lists or single values.

    A matrix gives a column each of its own, `name_0`, `name_1`, …; what is very wide or
    has more dimensions (embeddings, images) gives a few summary columns instead.

    >>> [c.names for c in table({"age": [3, 4], "image": np.ones((2, 8, 8))})]
    [('age',), ('image.mean', 'image.std', 'image.norm')]
    """
    found: list[Block | Labels] = []
    names_given = encodable([str(name) for name in columns])
    for name, values in zip(names_given, columns.values(), strict=True):
        if name in excluded or sum(len(getattr(c, "names", "1")) for c in found) >= most:
            continue
        found += _columns(name, values)
    return tuple(found)


def _columns(name: str, values: Any) -> list[Block | Labels]:
    """The columns of what has one name; one without a name if it cannot be read."""
    try:
        return _read(name, values)
    except Exception:  # noqa: BLE001 - an object of the app's own may raise anything
        return [Block(Role.FEATURE, (), np.empty((0, 0)))]


def _read(name: str, values: Any) -> list[Block | Labels]:
    single = values is None or np.isscalar(values) or is_number(values)
    array = as_array([values] if single else values)
    if array.ndim > 2 or array.shape[1] > _EMBEDDING:
        return [summary(f"{name}.", array)]
    if array.shape[1] == 1:
        return [_feature(name, array[:, 0])]
    return [_feature(f"{name}_{i}", column) for i, column in enumerate(array.T)]


def column(role: Role, name: str, values: Any) -> Block | Labels:
    """One column, of numbers if its dtype or, among objects, most of its values are."""
    array = plain(values)
    if array.dtype.kind in _NUMERIC:
        return Block(role, (name,), np.array(array, np.float64).reshape(-1, 1))
    if array.dtype.kind in "mM":
        return Block(role, (name,), seconds(array).reshape(-1, 1))
    if array.dtype.kind in "OT":
        present = [v for v in array.tolist() if not is_missing(v)]
        numbers = sum(map(is_number, present))
        if numbers and 2 * numbers > len(present):
            return _objects(role, name, array, len(present) - numbers)
    return Labels(role, name, tuple(labels(array)))


def _feature(name: str, values: Any) -> Block | Labels:
    """One column of an input; without a name if it cannot be read, so that others are."""
    try:
        return column(Role.FEATURE, name, values)
    except Exception:  # noqa: BLE001 - an object of the app's own may raise anything
        return Block(Role.FEATURE, (), np.empty((len(values), 0)))


def labels(values: Any) -> list[str | None]:
    """Categories or classes as text; None, NaN and the like are missing.

    >>> labels([1.0, np.nan]), labels(["1.0", None])
    (['1', None], ['1.0', None])
    """
    array = plain(values).ravel()
    if array.dtype.kind in "iub":
        return [*map(str, array.tolist())]
    if array.dtype.kind == "U" and array.dtype.itemsize <= 4 * LONGEST:  # none can be missing
        return encodable(array.tolist())
    return encodable([*map(category_of, array.tolist())])


def sample(rows: int, most: int) -> npt.NDArray[np.intp]:
    """Which rows to keep of so many: a uniform sample, in order."""
    return np.sort(np.random.default_rng().choice(rows, min(most, rows), replace=False))


def taken(data: Any, rows: int, chosen: npt.NDArray[np.intp]) -> Any:
    """The chosen rows of what has so many, before anything is copied; else all of it."""
    if hasattr(data, "column_names") and data.shape[0] == rows:
        return data.take(chosen)
    if hasattr(data, "iloc") and len(data) == rows:
        return data.iloc[chosen]
    if hasattr(data, "tocsr") and data.shape[0] == rows:
        return data.tocsr()[chosen]
    if getattr(data, "shape", None) and data.shape[0] == rows:
        return data[chosen]
    if isinstance(data, list) and len(data) == rows:
        return [data[i] for i in chosen]
    return data


def rows(data: Any) -> int:
    """How many rows a model's input or result has; 0 where it does not say.

    >>> rows([[1], [2]]), rows({"age": 3}), rows({"age": np.ones(3)}), rows("a text")
    (2, 0, 3, 1)
    """
    shape = getattr(data, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    if isinstance(data, Mapping):  # of columns by name; single values may stand for any number
        return max((rows(each) for each in data.values() if not np.isscalar(each)), default=0)
    if np.isscalar(data):
        return 1
    return len(data) if hasattr(data, "__len__") else 0


def _fits(known: Sequence[str] | None, width: int) -> bool:
    return known is not None and len(known) == width and known[0] != "x0"


def _names(known: Sequence[str] | None, width: int) -> tuple[str, ...]:
    if known is not None and len(known) == width:
        return known if isinstance(known, tuple) else tuple(known)
    return tuple(f"x{i}" for i in range(width))


def as_array(data: Any) -> npt.NDArray[Any]:
    """Anything like an array, with at least two dimensions: rows come first."""
    if hasattr(data, "toarray"):
        if data.shape[0] * data.shape[1] > _WIDE:
            raise ValueError(f"sparse matrix of shape {data.shape} is too large to be read")
        data = data.toarray()
    if hasattr(data, "detach"):  # a tensor: it is read where it is, and never waited for
        if str(getattr(data, "device", "cpu")) != "cpu":
            raise ValueError(f"a tensor on {data.device} is not read")
        data = data.detach().numpy()
    array = plain(data)
    if not array.ndim and array.dtype.kind == "O":
        raise TypeError(f"a {type(data).__name__} is not read: it is no array, frame or list")
    return array.reshape(-1, 1) if array.ndim < 2 else array


def _arrow(data: Any) -> dict[str, Any]:
    """The columns of an Arrow table or batch; numpy would take a null in codes for a value."""
    columns = {name: data.column(i) for i, name in enumerate(data.column_names)}
    return {
        name: column.cast(column.type.value_type) if hasattr(column.type, "index_type") else column
        for name, column in columns.items()
    }


def _frame(data: Any, names: list[str], chosen: list[int]) -> tuple[Block | Labels, ...]:
    """Columns of a pandas or polars frame: the numeric ones together, the others one by one."""
    parts = [data.iloc[:, i] if hasattr(data, "iloc") else data[names[i]] for i in chosen]
    numeric: list[tuple[str, npt.NDArray[Any]]] = []
    others: list[Block | Labels] = []
    for index, part in zip(chosen, parts, strict=True):
        try:
            kind, array = _values(part)
        except Exception:  # noqa: BLE001 - of integers of 128 bits, numpy has none
            others.append(Block(Role.FEATURE, (), np.empty((len(part), 0))))
            continue
        if array.ndim > 1:  # arrays in a column, as polars has them
            others += _columns(names[index], array)
        elif kind in _NUMERIC and array.dtype.kind in _NUMERIC:
            numeric.append((names[index], array))
        else:
            others.append(_feature(names[index], array))
    if not numeric:
        return tuple(others)
    values = np.column_stack([array for _, array in numeric]).astype(np.float64, copy=False)
    return (Block(Role.FEATURE, tuple(name for name, _ in numeric), values), *others)


def _values(part: Any) -> tuple[str, npt.NDArray[Any]]:
    """The kind of a frame's column, empty if it does not say, and its values.

    Raises:
        Exception: numpy cannot hold them.

    """
    kind = getattr(getattr(part, "dtype", None), "kind", "")
    try:
        array = part.to_numpy()
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of Rust, as polars has it: no `Exception`
            raise TypeError(str(error)) from error
        raise
    if kind and kind in _NUMERIC and array.ndim == 1 and array.dtype.kind not in _NUMERIC:
        array = part.to_numpy(dtype=np.float64, na_value=np.nan)  # nullable: as missing ones are
    return kind, array


def _objects(role: Role, name: str, array: npt.NDArray[Any], mismatched: int) -> Block:
    numbers = [number_of(v) if is_number(v) else np.nan for v in array.tolist()]
    counts = {name: mismatched} if mismatched else None
    return Block(role, (name,), np.array(numbers).reshape(-1, 1), counts)
