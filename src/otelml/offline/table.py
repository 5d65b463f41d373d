"""Tables on disk, piece by piece: CSV, Parquet, Arrow; never a whole file in memory.

A column of Parquet or Arrow is read from its first row to its last before the next one begins:
all columns at once would keep a page of each in memory, or a whole batch, which may be the file.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

from otelml.offline import delimited

_Column = TypeVar("_Column", int, str)

_UNREADABLE: Final = OSError, pa.ArrowInvalid, pa.ArrowKeyError, delimited.MistypedError

_TEXTS: Final = pa.string(), pa.large_string(), pa.binary(), pa.large_binary()
_VIEWS: Final = MappingProxyType({pa.string_view(): pa.string(), pa.binary_view(): pa.binary()})

_REMEDIES: Final = MappingProxyType(
    {
        "CSV parse error": "give every line as many values as the header has names",
        "Parquet magic bytes": "save it anew",
        "deserialize thrift": "it is damaged: save it anew",
        "size is 0": "it is empty: give a file with data",
        "too small: 0": "it is empty: give a file with data",
        "No such file": "give one that is there",
        "s a directory": "give a file in it",
    }
)
"""What to do about Arrow's errors, by a part of their text."""

ROWS: Final = 65_536
_PASSES: Final = 32
"""Times that a file of many columns is gone through, at most: each pass has its price."""


class DataError(ValueError):
    """A file that cannot be read as a table; it names the file, what is wrong and the remedy."""


def columns_of(path: Path) -> list[str]:
    """Names of a file's columns.

    Raises:
        DataError: the file cannot be read.

    """
    try:
        names = _names(path)
    except _UNREADABLE as error:
        raise DataError(f"{path}: {_said(error)}") from error
    counts = Counter(name for name in names if not _is_index(name))
    if twice := [name for name, count in counts.items() if count > 1]:
        raise DataError(f"{path}: two columns are named {twice[0]!r}; give each a name of its own")
    return [*counts]


def batches(
    path: Path, texts: Iterable[str] = (), advance: Callable[[float], None] = lambda _: None
) -> Iterator[pa.RecordBatch]:
    """The file's rows, in order; the columns may come one after another, each in the same rows.

    Args:
        path: A `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather` or `.ipc` file.
        texts: Columns of a CSV file to read as text, whatever they look like.
        advance: Told which share of the file has been read.

    Raises:
        DataError: the file cannot be read, or holds no rows.

    """
    rows = 0
    try:
        for batch in _batches(path, {*texts}, advance):
            rows += batch.num_rows
            yield _without_index(batch)
    except _UNREADABLE as error:
        raise DataError(f"{path}: {_said(error)}") from error
    if not rows:
        raise DataError(f"{path}: no rows; give a file with data")


def aligned(
    path: Path,
    names: Iterable[str],
    advance: Callable[[float], None] = lambda _: None,
    texts: Iterable[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Some columns of the file's rows side by side, in order; `texts` as for `batches`.

    Raises:
        DataError: the file cannot be read.

    """
    try:
        yield from _selected(path, [*names], {*texts}, advance)
    except _UNREADABLE as error:
        raise DataError(f"{path}: {_said(error)}") from error


def whole_rows(path: Path, texts: Iterable[str] = ()) -> Iterator[pa.RecordBatch]:
    """The file's rows, in order, each batch with every column; `texts` as for `batches`."""
    if _kind(path) in ("csv", "tsv"):
        return batches(path, texts)
    return aligned(path, columns_of(path))


def require(path: Path, known: Iterable[str], wanted: Iterable[str]) -> None:
    """Check that columns are there.

    Raises:
        DataError: one is not; the message names it and the nearest that is.

    """
    known = list(known)
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; is it {near[0]!r}?" if near else f"; it has {', '.join(known[:20])}"
            raise DataError(f"{path}: no column {name!r}{hint}")


def require_file(path: Path) -> None:
    """Check that a file can be opened again and again, as it is.

    Raises:
        DataError: it is a pipe or a device.

    """
    if path.is_fifo() or path.is_char_device():
        raise DataError(f"{path}: a pipe cannot be read twice; save it to a file first")


def _names(path: Path) -> Any:
    require_file(path)
    match _kind(path):
        case "csv" | "tsv":
            return delimited.names(path)
        case "parquet":
            return pa.parquet.read_schema(path).names
        case _:
            with pa.OSFile(str(path)) as source:
                return pa.ipc.open_file(source).schema.names


def _batches(
    path: Path, texts: set[str], advance: Callable[[float], None]
) -> Iterator[pa.RecordBatch]:
    match _kind(path):
        case "csv" | "tsv":
            return delimited.batches(path, texts, advance)
        case "parquet":
            return _ahead(_parquet(path, advance))
        case _:
            return _arrow(path, advance)


def _selected(
    path: Path, names: list[str], texts: set[str], advance: Callable[[float], None]
) -> Iterator[pa.RecordBatch]:
    kind = _kind(path)
    if kind in ("csv", "tsv"):
        yield from delimited.batches(path, texts, advance, names)
        return
    from pyarrow import dataset  # noqa: PLC0415 - it imports pandas, which others can do without

    found = dataset.dataset(str(path), format={"arrow": "ipc", "feather": "ipc"}.get(kind, kind))
    total, rows = max(found.count_rows(), 1), 0
    ahead = {"batch_readahead": 1, "fragment_readahead": 1}
    for batch in found.to_batches(columns=names, batch_size=ROWS, **ahead):
        rows += batch.num_rows
        advance(rows / total)
        yield _decoded(batch)


def _parquet(path: Path, advance: Callable[[float], None]) -> Iterator[pa.RecordBatch]:
    with pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as parquet:
        names = [*dict.fromkeys(parquet.schema_arrow.names)]
        total, done = max(parquet.metadata.num_rows, 1) * len(names), 0
        for some in _groups(names):
            for batch in parquet.iter_batches(ROWS, columns=some, use_threads=False):
                done += batch.num_rows * len(some)
                advance(done / total)
                # Asked for `x`, it also gives a column named `x.y`.
                asked = [i for i, n in enumerate(batch.schema.names) if n in some]
                yield _decoded(batch.select(asked))
            _release()


def _ahead(found: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same; the next one is read while one is folded, as Arrow lets go of the interpreter."""
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(next, found, None)
        while (batch := upcoming.result()) is not None:
            upcoming = pool.submit(next, found, None)
            yield batch


def _arrow(path: Path, advance: Callable[[float], None]) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as source:
        fields = [*range(len(pa.ipc.open_file(source).schema))]
        done = 0
        for some in _groups(fields):
            options = pa.ipc.IpcReadOptions(included_fields=some, use_threads=False)
            reader = pa.ipc.open_file(source, options=options)
            for index in range(reader.num_record_batches):
                yield from map(_decoded, _slices(reader.get_batch(index)))
            done += len(some)
            advance(done / len(fields))
            _release()  # it takes the space of a whole batch to read a column of it


def _release() -> None:
    """Give back what the pool keeps, or the peak is the sum over the columns."""
    pa.default_memory_pool().release_unused()


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, ROWS):
        yield batch.slice(start, ROWS)


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same with numbers and moments in the place of codes, as Parquet has them, and no views.

    Arrow loses the nulls of a view of texts when it counts them, and cannot take some rows of it.
    """
    columns = map(_plain, batch.columns)
    return pa.RecordBatch.from_arrays([*columns], batch.schema.names)


def _plain(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind) and kind.value_type not in _TEXTS:
        column = column.dictionary_decode()
    known = _VIEWS.get(column.type)
    return column if known is None else column.cast(known)


def _groups(columns: list[_Column]) -> Iterator[list[_Column]]:
    size = -(-len(columns) // _PASSES)
    for start in range(0, len(columns), max(size, 1)):
        yield columns[start : start + size]


def _is_index(name: str) -> bool:
    """Whether pandas keeps a frame's index in this column: in CSV it has no name."""
    return not name or name.startswith("__index_level_")


def _without_index(batch: pa.RecordBatch) -> pa.RecordBatch:
    kept = [name for name in batch.schema.names if not _is_index(name)]
    return batch if len(kept) == batch.num_columns else batch.select(kept)


def _kind(path: Path) -> str:
    kinds = {"csv", "tsv", "parquet", "arrow", "feather", "ipc"}
    kind = path.suffix.lower().lstrip(".")
    if kind not in kinds:
        raise DataError(
            f"{path}: a file of kind {path.suffix or '(none)'} is not read; "
            f"give one of {', '.join('.' + k for k in sorted(kinds))}"
        )
    return kind


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    if "Empty CSV file" in text:
        return "empty, or no more than a header; give a file with data"
    if "Not an Arrow file" in text:
        return "no Arrow file, though it may be a stream; save it as a file (Feather version 2)"
    text = text.split("\n")[0]
    remedies = [remedy for part, remedy in _REMEDIES.items() if part in text]
    return "; ".join([text.rstrip("."), *remedies])
