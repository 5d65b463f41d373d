"""Labels in a table, a row at a time, as the processor takes them: lines of NDJSON.

CSV is read here and not by Arrow, so that a malformed row is told by its line, and the rows
before it are not lost.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from otelml.offline.table import ROWS, DataError, batches, columns_of, require

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_OFTEN: Final = 1000
"""Rows after which the share that is done is told."""

_Told = Callable[[float], None]
_Row = tuple[str, Mapping[str, Any] | str]
"""Where a row stands, and its values by column; or what is wrong with it."""


class Label(NamedTuple):
    """A row: where it stands in its file, and its JSON object."""

    where: str
    body: bytes


def labels(
    path: Path, columns: Mapping[str, str], start: int = 0, advance: _Told = lambda _: None
) -> Iterator[Label]:
    """The labels in a file, those before a malformed row included.

    Args:
        path: A `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather` or `.ipc` file.
        columns: The column of each field: `id` and `label`, and of `row`, `time`, `weight`,
            `prediction` and `score` those that are there.
        start: Rows to pass over, whatever is in them.
        advance: Told which share of the file has been read.

    Raises:
        DataError: the file cannot be read, holds no rows, or a row is malformed.

    """
    names = [*columns.values()]
    if path.suffix.lower() in (".csv", ".tsv"):
        typed = _typed(path, {columns[name] for name in _CLASSES if name in columns})
        rows = _csv(path, names, advance)
    else:
        typed = set()
        rows = _arrow(path, names, advance)
    nothing = True
    for number, (where, values) in enumerate(rows):
        nothing = False
        if number < start:
            continue
        try:
            if isinstance(values, str):
                raise ValueError(values)  # noqa: TRY004, TRY301 - as below
            known = {
                field: _scalar(values[column]) if column in typed else values[column]
                for field, column in columns.items()
            }
            whole = json.dumps(_checked(known), ensure_ascii=False, allow_nan=False)
            body = whole.encode()
        except ValueError as error:
            said = "not UTF-8" if isinstance(error, UnicodeError) else error
            raise DataError(f"{path}: {where}: {said}") from error
        yield Label(where, body)
    if nothing:
        raise DataError(f"{path}: no rows; give a file with data")


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    given = {field: value for field, value in values.items() if not _is_missing(value)}
    for field in ("id", "label"):
        if field not in given:
            raise ValueError(f"no {field}")
    return {field: _FIELDS[field](field, value) for field, value in given.items()}


def _id(_: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"id {value!r:.80} is neither text nor an integer")  # noqa: TRY004 - of the data
    return str(value)


def _row(_: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d+(\.0)?", str(value), re.ASCII):
        raise ValueError(f"row {value!r:.80} is no integer from 0 on")
    return int(str(value).partition(".")[0])


def _class(field: str, value: Any) -> str | float | bool:
    if isinstance(value, Decimal):
        return float(value)
    if not isinstance(value, str | bool | int | float):
        raise ValueError(f"{field} {value!r:.80} is neither a class nor a number")  # noqa: TRY004 - of the data
    return value


def _number(field: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{field} {value!r:.80} is no number")
    return number


def _time(_: str, value: Any) -> str | float:
    """ISO 8601, in UTC where no other zone is told; or seconds since the epoch."""
    if isinstance(value, int | float) or _NUMBER.fullmatch(str(value)):
        return _number("time", value)
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"time {value!r:.80} is neither ISO 8601 nor unix seconds") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()


_FIELDS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "id": _id,
    "row": _row,
    "label": _class,
    "time": _time,
    "weight": _number,
    "prediction": _class,
    "score": _number,
}
_CLASSES: Final = ("label", "prediction")


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _csv(path: Path, names: Iterable[str], advance: _Told) -> Iterator[_Row]:
    line = 1
    try:
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


def _arrow(path: Path, names: Iterable[str], advance: _Told) -> Iterator[_Row]:
    names = [*dict.fromkeys(names)]
    require(path, columns_of(path), names)
    row = 0
    for batch in batches(path, advance=advance):
        columns = [_plain(batch.column(name)).to_pylist() for name in names]
        for values in zip(*columns, strict=True):
            row += 1
            yield f"row {row}", dict(zip(names, values, strict=True))


def _plain(column: Any) -> Any:
    """A column of times as Python has them: to the microsecond."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
    return column


def _typed(path: Path, names: Iterable[str]) -> set[str]:
    """Which columns of a CSV file hold numbers or truth values, as far as its first rows tell.

    In others a value that looks like a number is text: 1e5 is a class beside 2f7.
    """
    typed = set(names)
    with suppress(DataError):  # it is told when that row is reached
        for _, values in islice(_csv(path, typed, lambda _: None), ROWS):
            if not isinstance(values, str):
                typed = {name for name in typed if not values[name] or _is_scalar(values[name])}
    return typed


def _is_scalar(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or text.lower() in ("true", "false")


def _scalar(text: Any) -> Any:
    return json.loads(text.lower()) if _is_scalar(text) else text
