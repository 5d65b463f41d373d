"""Tables on disk, batch by batch: CSV, Parquet, Arrow; never a whole file in memory."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

ROWS: Final = 65_536
_BYTES: Final = 8 << 20


class DataError(ValueError):
    """A file that cannot be read as a table; it names the file, what is wrong and the remedy."""


def columns_of(path: Path) -> list[str]:
    """Names of a file's columns."""
    return [*_schema(path).names]


def batches(
    path: Path, texts: Iterable[str] = (), advance: Callable[[float], None] = lambda _: None
) -> Iterator[pa.RecordBatch]:
    """The file's rows.

    Args:
        path: A `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather` or `.ipc` file.
        texts: Columns of a CSV file to read as text, whatever they look like.
        advance: Told which share of the file has been read.

    Raises:
        DataError: the file cannot be read, or holds no rows.

    """
    rows = 0
    try:
        for batch in _batches(path, {name: pa.string() for name in texts}, advance):
            rows += batch.num_rows
            yield _without_index(batch)
    except (OSError, pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise DataError(f"{path}: {_said(error)}") from error
    if not rows:
        raise DataError(f"{path}: no rows; give a file with data")


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


def _batches(
    path: Path, types: Mapping[str, Any], advance: Callable[[float], None]
) -> Iterator[pa.RecordBatch]:
    size = max(path.stat().st_size, 1)
    match _kind(path):
        case "csv" | "tsv" as kind:
            with path.open("rb") as file, _open_csv(file, kind, types) as reader:
                for batch in reader:
                    advance(min(file.tell() / size, 1.0) if not file.closed else 1.0)
                    yield batch
        case "parquet":
            with pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as parquet:
                total, done = max(parquet.metadata.num_rows, 1), 0
                for batch in parquet.iter_batches(ROWS):
                    done += batch.num_rows
                    advance(done / total)
                    yield batch
        case _:
            with pa.memory_map(str(path)) as source:
                reader = pa.ipc.open_file(source)
                for index in range(reader.num_record_batches):
                    advance((index + 1) / reader.num_record_batches)
                    whole = reader.get_batch(index)
                    for start in range(0, whole.num_rows, ROWS):
                        yield whole.slice(start, ROWS)


def _without_index(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without the columns in which pandas keeps a frame's index."""
    kept = [name for name in batch.schema.names if not name.startswith("__index_level_")]
    return batch if len(kept) == batch.num_columns else batch.select(kept)


def _open_csv(file: Any, kind: str, types: Mapping[str, Any]) -> Any:
    return pa.csv.open_csv(
        file,
        read_options=pa.csv.ReadOptions(block_size=_BYTES),
        parse_options=pa.csv.ParseOptions(delimiter="\t" if kind == "tsv" else ","),
        convert_options=pa.csv.ConvertOptions(column_types=dict(types), strings_can_be_null=True),
    )


def _schema(path: Path) -> Any:
    try:
        for batch in _batches(path, {}, lambda _: None):
            return _without_index(batch).schema
    except (OSError, pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise DataError(f"{path}: {_said(error)}") from error
    raise DataError(f"{path}: no rows; give a file with data")


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
    return text.split("\n")[0]
