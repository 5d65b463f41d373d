"""Rows of a table, one at a time, and where each stands.

CSV is read here and not by Arrow, so that a malformed row is told by its line, and the rows
before it are not lost.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow as pa

from otelml.offline.table import DataError, aligned, columns_of, require, require_file

Told: TypeAlias = Callable[[float], None]
Row: TypeAlias = tuple[str, Mapping[str, Any] | str]
"""Where a row stands, and its values by column; or what is wrong with it."""

_OFTEN: Final = 1000
"""Rows after which the share that is done is told."""


def csv_rows(path: Path, names: Iterable[str], advance: Told) -> Iterator[Row]:
    """Rows of a `.csv` or `.tsv` file: every value is text.

    Raises:
        DataError: it cannot be read, or lacks a column.

    """
    line = 1
    try:
        require_file(path)
        size = max(path.stat().st_size, 1)
        with (
            path.open("rb") as raw,
            TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="") as file,
        ):
            delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            head = next(reader, [])
            if not head:
                return
            require(path, head, names)
            places = {name: head.index(name) for name in names}
            line = reader.line_num + 1
            for values in reader:
                first, line = line, reader.line_num + 1
                if line % _OFTEN == 0:
                    advance(min(raw.tell() / size, 1.0))
                if len(values) == len(head):
                    yield f"line {first}", {name: values[at] for name, at in places.items()}
                elif values:
                    yield f"line {first}", f"{len(values)} values below {len(head)} columns"
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except csv.Error as error:
        raise DataError(f"{path}: line {line}: {error}") from error


def arrow_rows(path: Path, names: Iterable[str], advance: Told) -> Iterator[Row]:
    """Rows of another file that `table` reads.

    Raises:
        DataError: it cannot be read, or lacks a column.

    """
    names = [*dict.fromkeys(names)]
    require(path, columns_of(path), names)
    row = 0
    for batch in aligned(path, names, advance):
        columns = [_plain(batch.column(name)).to_pylist() for name in names]
        for values in zip(*columns, strict=True):
            row += 1
            yield f"row {row}", dict(zip(names, values, strict=True))


def _plain(column: Any) -> Any:
    """A column of times as Python has them: to the microsecond."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
    return column
