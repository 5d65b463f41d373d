"""Predictions beside targets in a table: what they sum up to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otelml.data import Outcomes
from otelml.monitor.performance.summaries import Labels, Summaries
from otelml.monitor.performance.summary import Summary
from otelml.monitor.segments import slices
from otelml.offline.layout import Layout
from otelml.offline.segments import spelled
from otelml.offline.spelling import as_known
from otelml.offline.table import DataError, aligned
from otelml.recording.slices import MOST
from otelml.wire.rows import alike, is_numeral, text_of

_LARGEST: Final = 2.0**128
"""Targets of a greater magnitude have fourth powers that overflow."""

_NUMBERS: Final = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_null,
)


@dataclass(frozen=True, slots=True)
class _Task:
    """How the columns are read: of a classifier as text, and the class that the score is of."""

    classifies: bool
    positive: str | None


def summarised(path: Path, layout: Layout, reference: Summary | None = None) -> Summaries | None:
    """What a table's predictions and targets sum up to; None if it lacks either.

    They are read as those of the `reference` were. Without one, targets are classes where the
    table has scores, where they or the predictions are no numbers, and where both are integers,
    or booleans beside whole numbers; and scores are those of the last class in order. Classes are
    spelled as the predictions are.

    Raises:
        DataError: the table cannot be read, a target is too large to sum up, or no class of the
            targets can be one of the predictions.

    """
    if layout.target is None or (layout.prediction is None and layout.score is None):
        return None
    try:
        task = _task(path, layout) if reference is None else _as_in(reference)
        whole, of_slices = Summary.empty(), dict[Labels, Summary]()
        for outcomes in _outcomes(path, layout, task):
            whole = whole.merge(Summary.of(outcomes))
            for labels, part in slices(outcomes, [[name] for name in layout.segments]):
                if labels in of_slices or len(of_slices) < MOST:
                    held = of_slices.get(labels, Summary.empty())
                    of_slices[labels] = held.merge(Summary.of(part))
    except pa.ArrowException as error:
        raise DataError(f"{path}: {error}") from error
    return Summaries(whole, of_slices) if whole.rows else None


def _columns(layout: Layout) -> list[str]:
    return [n for n in (layout.prediction, layout.score, layout.target) if n is not None]


def _task(path: Path, layout: Layout) -> _Task:
    assert layout.target is not None
    true, predicted = set[str](), set[str]()
    for batch in aligned(path, _columns(layout), texts=layout.categorical):
        columns = [batch[n] for n in (layout.target, layout.prediction) if n is not None]
        if layout.score is None and _are_fractions(columns):
            return _Task(classifies=False, positive=None)
        true |= _classes(batch[layout.target])
        predicted |= set() if layout.prediction is None else _classes(batch[layout.prediction])
    like = next(iter(predicted), "")
    true = {alike(text, like) for text in true}
    if true and predicted and {*map(_kind, true)}.isdisjoint(map(_kind, predicted)):
        raise DataError(
            f"{path}: --target {layout.target!r} holds classes like {min(true)!r}, and "
            f"--prediction {layout.prediction!r} none but such as {min(predicted)!r}; "
            "spell them alike, or leave --target away"
        )
    return _Task(classifies=True, positive=max(true | predicted, default=None))


def _are_fractions(columns: list[Any]) -> bool:
    """Whether these are what a regression predicts, and the truth of it.

    Whole numbers beside booleans are classes, whatever their type.
    """
    if not all(any(is_one(c.type) for is_one in _NUMBERS) for c in columns):
        return False
    fractions = [c for c in columns if pa.types.is_floating(c.type) or getattr(c.type, "scale", 0)]
    if any(pa.types.is_boolean(c.type) for c in columns):
        return any((np.abs(np.modf(_numbers(c))[0]) > 0).any() for c in fractions)
    return bool(fractions)


def _classes(column: Any) -> set[str]:
    found = pc.unique(column).to_pylist()
    return {text for value in found if (text := text_of(value)[0])}


def _kind(label: str) -> str:
    """What a class is: what is of another kind is never the same class."""
    if label in ("True", "False"):
        return "boolean"
    return "number" if is_numeral(label) else "text"


def _as_in(reference: Summary) -> _Task:
    """How the columns of a baseline were read, of which not every class need be there today."""
    positive = next(iter(reference.scores), None)  # files have one column of scores
    return _Task(classifies=not reference.residuals.error.weight, positive=positive)


def _outcomes(path: Path, layout: Layout, task: _Task) -> Iterator[Outcomes]:
    names = dict.fromkeys((*_columns(layout), *layout.segments))
    for batch in aligned(path, names, texts=layout.categorical):
        weight = np.ones(batch.num_rows)
        segments = {
            name: np.array(spelled(batch[name], layout.known.get(name)), object)
            for name in layout.segments
        }
        if not task.classifies:
            predicted, truth = (
                _required(path, n, batch) for n in (layout.prediction, layout.target)
            )
            _require_summable(path, layout, truth)
            yield Outcomes(predicted, truth, weight, segments=segments)
            continue
        predicted, truth = (
            _objects(batch, name, layout) for name in (layout.prediction, layout.target)
        )
        like = task.positive or ""
        if not {"True", "False"}.isdisjoint((*truth, *predicted, like)):  # else all are alike
            truth[:] = [t and alike(t, p or like) for t, p in zip(truth, predicted, strict=True)]
        classes: tuple[str, ...] = ()
        scores = None
        if layout.score is not None and task.positive is not None:
            classes, scores = (task.positive,), _required(path, layout.score, batch).reshape(-1, 1)
        yield Outcomes(predicted, truth, weight, classes, scores, segments=segments)


def _require_summable(path: Path, layout: Layout, truth: np.ndarray[Any, Any]) -> None:
    large = truth[np.isfinite(truth) & (np.abs(truth) > _LARGEST)]
    if large.size:
        raise DataError(
            f"{path}: column {layout.target!r} holds the target {large[0]}, whose powers overflow; "
            "mend that row, or build the baseline without --target"
        )


def _required(path: Path, name: str | None, batch: pa.RecordBatch) -> np.ndarray[Any, Any]:
    """A column that holds nothing but numbers."""
    try:
        return _numbers(batch[name])
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: column {name!r} holds no numbers: {error}; mend it, or leave it out"
        ) from error


def _numbers(column: Any) -> np.ndarray[Any, Any]:
    values: np.ndarray[Any, Any] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _objects(batch: pa.RecordBatch, name: str | None, layout: Layout) -> np.ndarray[Any, Any]:
    """Classes as text."""
    array = np.full(batch.num_rows, None, object)
    if name is not None:
        known = layout.known.get(name)
        values = batch[name].to_pylist()
        array[:] = [
            as_known(value, known) if known and isinstance(value, str) else text_of(value)[0]
            for value in values
        ]
    return array
