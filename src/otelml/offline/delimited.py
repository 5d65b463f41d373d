"""CSV and TSV files, a block of whole lines at a time: two are parsed while others are folded.

A block and what is made of it fit in a processor's cache; rows are handed on some blocks at a time,
because each time has its price.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

_HEAD: Final = 8 << 20
"""Bytes that tell the types of the columns."""

_BLOCK: Final = 1 << 19
"""Bytes that are parsed at a time, or `_LINES` lines where that is more."""

_LINES: Final = 64

_QUOTED: Final = 4
"""Blocks that a quoted value may be long; after them a quote is taken for part of a text."""

_PARSERS: Final = 2
"""Threads that parse: Arrow lets go of the interpreter meanwhile."""

_GATHERED: Final = 2 << 20
"""Bytes that are handed on at a time, while as many are parsed."""

_OTHERS: Final = MappingProxyType({",": ";|\t", "\t": ";|,"})
"""Separators that are none where another is expected."""

_ROW: Final = re.compile(r"Row #(\d+)")
_PLACE: Final = re.compile(r"In CSV column #(\d+): ")


class MistypedError(ValueError):
    """A value that is not of its column's type, `kind`, as the first rows told it."""

    def __init__(self, text: str, column: str, kind: Any) -> None:
        super().__init__(text)
        self.column, self.kind = column, kind


def names(path: Path) -> list[str]:
    """Names of the columns.

    Raises:
        pa.ArrowInvalid: the first rows show that the file is no table, or of another kind.

    """
    with path.open("rb") as file:
        block, whole = next(_blocks(file, _BLOCK), (b"", True))
    try:
        first, _, rest = bytes(block).decode().partition("\n")
    except UnicodeDecodeError as error:
        raise pa.ArrowInvalid(f"{error}; unpack it, or save it as UTF-8") from error
    second, expected = rest.partition("\n")[0], _parsing(path).delimiter
    for other in _OTHERS[expected]:
        if expected not in first and 0 < first.count(other) == second.count(other):
            raise pa.ArrowInvalid(
                f"the separator seems to be {other!r}, not {expected!r}; "
                "save it with commas, or with tabs as .tsv"
            )
    found: list[str] = _parsed(
        block, whole, None, _BLOCK, _parsing(path), _conversion({})
    ).column_names
    return found


def head(path: Path) -> tuple[Any, int]:
    """What the first rows show: the schema, and bytes a line."""
    with path.open("rb") as file:
        first = file.read(_HEAD)
    end = _end(first) if len(first) == _HEAD else 0
    lines = pa.py_buffer(first).slice(0, end or len(first))
    reading = pa.csv.ReadOptions(block_size=_HEAD, use_threads=False)
    table = pa.csv.read_csv(pa.BufferReader(lines), reading, _parsing(path), _conversion({}))
    found = table.schema, len(lines) // (table.num_rows + 1)
    del table
    pa.default_memory_pool().release_unused()
    return found


def _parsing(path: Path) -> Any:
    """How lines are cut into values."""
    return pa.csv.ParseOptions(delimiter="\t" if path.suffix.lower() == ".tsv" else ",")


def _conversion(types: Mapping[str, Any], columns: Iterable[str] = ()) -> Any:
    """How values become numbers or text; only those of some columns, if any are named."""
    return pa.csv.ConvertOptions(
        column_types=dict(types), include_columns=[*columns], strings_can_be_null=True
    )


def batches(
    path: Path,
    texts: Collection[str],
    advance: Callable[[float], None],
    columns: Iterable[str] = (),
) -> Iterator[pa.RecordBatch]:
    """The file's rows, in order: some columns of them, or all.

    `texts` are columns of text, whatever they look like; so are times of the day.

    Raises:
        MistypedError: a value is not of its column's type.
        pa.ArrowInvalid: a line has another number of values, or the like. Rows are counted from
            the header's.

    """
    total = max(path.stat().st_size, 1)
    schema, line = head(path)
    types = {
        field.name: pa.string()
        if field.name in texts or pa.types.is_binary(field.type) or pa.types.is_time(field.type)
        else field.type
        for field in schema
    }
    size = max(_BLOCK, _LINES * line)
    options = size, _parsing(path), _conversion(types, columns)
    few = max(_GATHERED // size, 1)
    held: list[pa.Table] = []
    before, wanted = 0, 1  # the first alone: sketches choose their buckets on it
    with path.open("rb") as file:
        jobs = (
            partial(_parsed, *block, schema.names if number else None, *options)
            for number, block in enumerate(_blocks(file, size))
        )
        for parsed in _ahead(jobs, few):
            try:
                table = parsed.result()
            except pa.ArrowInvalid as error:
                raise _placed(error, before, types) from error
            before += table.num_rows + (not before)
            held.append(table)
            if len(held) == wanted:
                advance(min(file.tell() / total, 1.0))
                yield from _together(held)
                held, wanted = [], few
    if held:
        advance(1.0)
        yield from _together(held)


def _together(tables: list[pa.Table]) -> Iterator[pa.RecordBatch]:
    yield from pa.concat_tables(tables).combine_chunks().to_batches()


def _placed(error: pa.ArrowInvalid, before: int, types: Mapping[str, Any]) -> Any:
    """The error, told by the row of the file and not of the block, and by the column's name."""
    text = _ROW.sub(lambda row: f"Row #{int(row[1]) + before}", str(error))
    place = _PLACE.search(text)
    if not place:
        return pa.ArrowInvalid(text)
    column, kind = [*types.items()][int(place[1])]
    text = text.replace(place[0], f"column {column!r}: ")
    if "UTF8" in text:
        return pa.ArrowInvalid(f"{text}; save the file as UTF-8")
    return MistypedError(f"{text}; mend it, or --exclude the column", column, kind)


def _parsed(
    block: Any, whole: bool, names: list[str] | None, size: int, parsing: Any, conversion: Any
) -> Any:
    """The table of a block; the first begins with its names.

    A quote too many is part of a text, or one that nobody closed: Arrow tells them apart, and fails
    at the latter where it has pieces of `size` bytes to parse.
    """
    pieces = len(block) + 1 if whole else size
    reading = pa.csv.ReadOptions(column_names=names, block_size=pieces, use_threads=False)
    table = pa.csv.read_csv(pa.BufferReader(block), reading, parsing, conversion)
    if not whole and table.num_rows:
        last = str(table.column(table.num_columns - 1)[-1])
        if "\n" in last or "\r" in last:
            row = table.num_rows + (names is None)
            raise pa.ArrowInvalid(f"Row #{row}: nobody closes the quote before {last[:20]!r}")
    return table


def _ahead(jobs: Iterator[Callable[[], Any]], few: int) -> Iterator[Future[Any]]:
    """What jobs give, in order, while a few others are done."""
    with ThreadPoolExecutor(_PARSERS) as pool:
        waiting: deque[Future[Any]] = deque()
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > max(few, _PARSERS):
                yield waiting.popleft()
        yield from waiting


def _blocks(file: BinaryIO, size: int) -> Iterator[tuple[Any, bool]]:
    """Whole lines, about `size` bytes at a time, and whether every quote in them has its other."""
    rest = b""
    while read := file.read(size):
        lines = rest + read
        end = whole = _end(lines)
        if not end and len(lines) > _QUOTED * size:
            end = _break(lines, len(lines))
        if end:
            yield pa.py_buffer(lines).slice(0, end), bool(whole)
        rest = lines[end:]
    if rest.strip(b"\r\n"):
        yield pa.py_buffer(rest), _quotes(rest) % 2 == 0


def _end(lines: bytes) -> int:
    """Where the last whole line ends; a break inside quotes ends none."""
    end = _break(lines, len(lines))
    quotes = _quotes(lines) - lines.count(b'"', end)
    while end and quotes % 2:
        last, end = end, _break(lines, lines.rfind(b'"', 0, end))
        quotes -= lines.count(b'"', end, last)
    return end


def _quotes(lines: bytes) -> int:
    """How many there are, ten times as fast as `bytes` counts."""
    return int(np.count_nonzero(np.frombuffer(lines, np.uint8) == ord('"')))


def _break(lines: bytes, before: int) -> int:
    return max(lines.rfind(b"\n", 0, before), lines.rfind(b"\r", 0, before)) + 1
