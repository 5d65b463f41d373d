"""Rows of a table to the sketches of a window: the offline twin of the in-app recorder.

Columns become what the recorder would make of them: numbers are numbers, text and booleans are
categories, moments in time are epoch seconds, durations are seconds.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otelml.data import Key, Model, Role, Sketch, Window
from otelml.offline.delimited import MistypedError
from otelml.offline.layout import Layout
from otelml.offline.segments import cut
from otelml.offline.spelling import as_known
from otelml.offline.table import DataError, batches, columns_of, whole_rows
from otelml.recording.scalars import category_of
from otelml.recording.slices import MOST
from otelml.sketch.categories import CAPACITY, OTHER, Categories
from otelml.sketch.matrix import Matrix
from otelml.sketch.probability import Probability
from otelml.wire.rows import alike

_NUMBER: Final = r"(?i)^\s*[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|inf(inity)?)\s*$"

_MOMENTS: Final = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"
_FRACTION: Final = r"(:\d\d)(\.\d+)?(Z|\+00:?00)?$"

_PER_SECOND: Final = MappingProxyType({"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9})

_NAMES: Final = 4 * CAPACITY
"""Names that a column of categories may have counted before the lightest lose theirs."""

# `pa.scalar`, `pa.array` and `to_numpy` import pandas where it is installed: that is 30 MiB.
_NAN: Final = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([np.nan]))])[0]


def profile(
    path: Path,
    model: Model,
    layout: Layout,
    advance: Callable[[float], None] = lambda _: None,
) -> Window:
    """The window that a file's rows make.

    Raises:
        DataError: the file cannot be read.

    """
    columns = {*columns_of(path)}
    if not columns:
        raise DataError(f"{path}: no columns; give a file with a header")
    texts, mixed = {*layout.categorical & columns}, set[str]()
    while True:  # each retry reads one more column of a CSV file as text
        try:
            return _profiled(path, model, layout, (texts, mixed), advance)
        except DataError as error:
            found = error.__cause__
            if (
                not isinstance(found, MistypedError)
                or found.column in texts
                or pa.types.is_temporal(found.kind)
            ):
                raise
            texts.add(found.column)
            if not pa.types.is_boolean(found.kind):
                mixed.add(found.column)


def _profiled(
    path: Path,
    model: Model,
    layout: Layout,
    read: tuple[set[str], set[str]],
    advance: Callable[[float], None],
) -> Window:
    """The window, where columns are read as text, and some of those as numbers and other text."""
    start = time.time_ns()
    texts, mixed = read
    fold = _Fold(layout, mixed)
    rows: Counter[str] = Counter()
    for batch in batches(path, texts, advance):
        for field in batch.schema:
            used = layout.role(field.name) or field.name in layout.segments
            if used and not _is_plain(field.type):
                raise DataError(
                    f"{path}: column {field.name!r} is of {field.type}; --exclude it, "
                    "or give it as columns of its parts"
                )
        fold.add(batch)
        rows.update(dict.fromkeys(batch.schema.names, batch.num_rows))
    sketches = {
        Key(model, role, name if role is Role.FEATURE else ""): sketch
        for (role, name), sketch in fold.sketches().items()
    } | _sliced(path, model, layout, read)
    end = max(time.time_ns(), start + 1)
    return Window(model, start, end, sketches, max(rows.values(), default=0))


def _is_plain(kind: Any) -> bool:
    odd = pa.types.is_nested(kind) or pa.types.is_interval(kind)
    return not (odd or isinstance(kind, pa.BaseExtensionType))


def _sliced(
    path: Path, model: Model, layout: Layout, read: tuple[set[str], set[str]]
) -> dict[Key, Sketch]:
    """The sketches of the slices; those that come up first, the larger ones first, have room."""
    folds: dict[tuple[tuple[str, str], ...], _Fold] = {}
    texts, mixed = read
    for batch in whole_rows(path, texts) if layout.segments else ():
        for of, rows in cut(batch, layout.segments, layout.known):
            if of not in folds and len(folds) < MOST:
                inside = replace(layout, exclude=layout.exclude | {of[0][1]})
                folds[of] = _Fold(inside, mixed)
            if of in folds:
                folds[of].add(rows)
    return {
        Key(model, role, name if role is Role.FEATURE else "", of): sketch
        for of, fold in folds.items()
        for (role, name), sketch in fold.sketches().items()
    }


class _Fold:
    """Sketches of the columns, batch by batch; `mixed` columns hold numbers and other text."""

    def __init__(self, layout: Layout, mixed: set[str]) -> None:
        self._layout, self._mixed = layout, mixed
        self._matrices: dict[tuple[str, ...], Matrix] = {}
        self._others: dict[tuple[Role, str], Sketch] = {}
        self._mismatched: dict[str, int] = {}
        self._counted: defaultdict[tuple[Role, str], Counter[str | None]] = defaultdict(Counter)

    def add(self, batch: pa.RecordBatch) -> None:
        """Fold one batch."""
        numeric = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            role = self._layout.role(name)
            if role is None:
                continue
            values = self._values(name, role, column)
            if values is None:
                self._count((role, name), column)
            elif role is Role.SCORE:
                self._merge((role, name), Probability.of(values))
            else:
                numeric[name] = values
        if numeric:
            names = tuple(numeric)
            if names not in self._matrices:
                self._matrices[names] = Matrix(len(names))
            columns = [*numeric.values()]
            rows = np.stack(columns) if len(columns) > 1 else columns[0][None]  # a view
            self._matrices[names].update(rows.T)

    def sketches(self) -> dict[tuple[Role, str], Sketch]:
        """The sketch of each column."""
        for key in [*self._counted]:
            self._settle(key)
        found = dict(self._others)
        for names, matrix in self._matrices.items():
            for name, sketch in zip(names, matrix.take(), strict=True):
                role = self._layout.role(name)
                assert role is not None
                found[role, name] = sketch.with_mismatched(self._mismatched.get(name, 0))
        self._spell_target(found)
        return found

    def _spell_target(self, found: dict[tuple[Role, str], Sketch]) -> None:
        """Spell the classes of the target as those of the prediction, as those of labels are."""
        key = Role.TARGET, self._layout.target or ""
        target = found.get(key)
        prediction = found.get((Role.PREDICTION, self._layout.prediction or ""))
        if isinstance(target, Categories) and prediction is not None:
            classes = prediction.counts if isinstance(prediction, Categories) else ["0"]
            like = next(iter(classes), "")
            counts: Counter[str] = Counter()
            for name, count in target.counts.items():
                counts[alike(name, like)] += count
            found[key] = replace(target, counts=MappingProxyType(counts))

    def _values(self, name: str, role: Role, column: Any) -> np.ndarray[Any, Any] | None:
        """The column as float64, NaN where missing; None for categories."""
        kind = column.type
        if name in self._layout.categorical:
            return None
        of_classes = role in (Role.PREDICTION, Role.TARGET) and name not in self._layout.numeric
        if pa.types.is_integer(kind) and of_classes:
            return None
        if pa.types.is_date(kind):
            column = column.cast(pa.timestamp("ms"))
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(kind):
            return _floats(column.cast(pa.int64())) / _PER_SECOND[column.type.unit]
        if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            return _floats(column)
        if pa.types.is_null(kind):
            return np.full(len(column), np.nan)
        if name in self._mixed or name in self._layout.numeric:
            return self._parsed(name, column)
        return None

    def _parsed(self, name: str, column: Any) -> np.ndarray[Any, Any]:
        """Numbers, or moments, in a column of text; what is none counts as mismatched."""
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
        number = pc.match_substring_regex(text, _NUMBER)
        kept = pc.if_else(number, text, pa.NULL).cast(pa.float64())
        if len(text) - kept.null_count < kept.null_count - text.null_count:  # most are none
            moments = _moments(text)
            kept = moments if moments.null_count < kept.null_count else kept
        bad = kept.null_count - text.null_count
        self._mismatched[name] = self._mismatched.get(name, 0) + bad
        return _floats(kept)

    def _count(self, key: tuple[Role, str], column: Any) -> None:
        """Count categories; to merge a sketch a batch would cost more than to read the file."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        counted = pc.value_counts(column)
        held, known = self._counted[key], self._layout.known.get(key[1])
        for value, count in zip(*(part.to_pylist() for part in counted.flatten()), strict=True):
            name = category_of(value)
            held[as_known(name, known) if name and known else name] += count
        if len(held) > _NAMES:
            self._settle(key)

    def _settle(self, key: tuple[Role, str]) -> None:
        """Make a sketch of what was counted."""
        counts = self._counted.pop(key)
        named = {name: count for name, count in counts.items() if name is not None}
        other = named.pop(OTHER, 0)
        self._merge(key, Categories.counted(named, other, counts[None]))

    def _merge(self, key: tuple[Role, str], sketch: Any) -> None:
        held: Any = self._others.get(key)
        self._others[key] = sketch if held is None else held.merge(sketch)


def _moments(text: Any) -> Any:
    """The moments in a column of text as epoch seconds, null for what is none."""
    whole = pc.replace_substring_regex(text, _FRACTION, r"\1")
    read = (pc.strptime(whole, format=f, unit="s", error_is_null=True) for f in _MOMENTS)
    return pc.coalesce(*read).cast(pa.int64()).cast(pa.float64())


def _floats(column: Any) -> np.ndarray[Any, Any]:
    if not pa.types.is_float64(column.type):
        column = column.cast(pa.float64(), safe=False)
    return np.from_dlpack(column.fill_null(_NAN) if column.null_count else column)
