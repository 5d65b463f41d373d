"""Labels in a table, a row at a time, as the processor takes them: lines of NDJSON."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from otelml.offline.rows import arrow_rows, csv_rows
from otelml.offline.table import ROWS, DataError

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


class Label(NamedTuple):
    """A row: where it stands in its file, and its JSON object."""

    where: str
    body: bytes


def labels(
    path: Path,
    columns: Mapping[str, str],
    start: int = 0,
    advance: Callable[[float], None] = lambda _: None,
    model: str | None = None,
) -> Iterator[Label]:
    """The labels in a file, those before a malformed row included.

    Args:
        path: A `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather` or `.ipc` file.
        columns: The column of each field: `id` and `label`, and of `row`, `time`, `weight`,
            `prediction` and `score` those that are there.
        start: Rows to pass over, whatever is in them.
        advance: Told which share of the file has been read.
        model: Name of the model that all of them are of.

    Raises:
        DataError: the file cannot be read, holds no rows, or a row is malformed.

    """
    names = [*columns.values()]
    of = {} if model is None else {"model": model}
    if path.suffix.lower() in (".csv", ".tsv"):
        typed = _typed(path, {columns[name] for name in _CLASSES if name in columns})
        rows = csv_rows(path, names, advance)
    else:
        typed = set()
        rows = arrow_rows(path, names, advance)
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
            whole = json.dumps(_checked(known) | of, ensure_ascii=False, allow_nan=False)
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


def _typed(path: Path, names: Iterable[str]) -> set[str]:
    """Which columns of a CSV file hold numbers or truth values, as far as its first rows tell.

    In others a value that looks like a number is text: 1e5 is a class beside 2f7.
    """
    typed = set(names)
    with suppress(DataError):  # it is told when that row is reached
        for _, values in islice(csv_rows(path, typed, lambda _: None), ROWS):
            if not isinstance(values, str):
                typed = {name for name in typed if not values[name] or _is_scalar(values[name])}
    return typed


def _is_scalar(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or text.lower() in ("true", "false")


def _scalar(text: Any) -> Any:
    return json.loads(text.lower()) if _is_scalar(text) else text
