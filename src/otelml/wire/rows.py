"""Predictions as the columns of an event, in the app: `ml.inference.records`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from otelml import names
from otelml.data import Model, Prediction

MOST: Final = 1024
"""Rows in an event."""

_NUMBERS: Final = MappingProxyType({"True": "1", "False": "0"})
_BOOLEANS: Final = MappingProxyType({"1": "True", "0": "False"})


def row_id(inference_id: str, row: int) -> str:
    """The id of one row of a batch: the first has the inference's own.

    >>> row_id("order-17", 0), row_id("order-17", 3)
    ('order-17', 'order-17:3')
    """
    return f"{inference_id}:{row}" if row else inference_id


def encodable(texts: list[Any]) -> list[Any]:
    r"""Texts, or None, with `?` for what UTF-8 cannot say: SDKs leave out attributes that hold it.

    >>> encodable(["\u00e9", None, "\ud83d"])
    ['é', None, '?']
    """
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return [text and text.encode("utf-8", "replace").decode() for text in texts]
    return texts


def text_of(value: object) -> tuple[str | None, float | None]:
    """A class or a number as both of what it may be: text, and a number.

    >>> text_of(1.0), text_of("yes"), text_of(True)
    (('1', 1.0), ('yes', None), ('True', 1.0))
    >>> text_of(2**53 + 1)[0]
    '9007199254740993'
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None, None
    if isinstance(value, int | float | np.number | np.bool_):
        try:
            number = float(value)
        except OverflowError:  # an integer beyond all numbers is a name
            return str(value), None
        if isinstance(value, bool | np.bool_):
            return str(bool(value)), number
        if isinstance(value, int | np.integer):
            return str(int(value)), number
        return (str(int(number)) if number.is_integer() else repr(number)), number
    return str(value), None


def alike(label: str, other: str) -> str:
    """A class spelled as another of its model: True is 1 where classes are numbers.

    >>> alike("True", "0"), alike("1", "False"), alike("2", "False"), alike("True", "yes")
    ('1', 'True', '2', 'True')
    """
    if other in _NUMBERS:
        return _BOOLEANS.get(label, label)
    return _NUMBERS[label] if label in _NUMBERS and is_numeral(other) else label


def is_numeral(text: str) -> bool:
    """Whether a text is how a number is spelled."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def columns(model: Model, rows: Sequence[Prediction]) -> dict[str, Any]:
    """The attributes of an event about rows of one model, which have the same scored classes."""
    attributes: dict[str, Any] = {names.MODEL_NAME: model.name}
    if model.version is not None:
        attributes[names.MODEL_VERSION] = model.version
    attributes[names.RECORD_IDS] = encodable([row.id for row in rows])
    attributes[names.RECORD_TIMES] = [row.time for row in rows]
    if any(row.trace_id for row in rows):
        attributes[names.RECORD_TRACE_IDS] = [row.trace_id for row in rows]
    if any(row.span_id and not row.id.startswith(row.span_id) for row in rows):
        attributes[names.RECORD_SPAN_IDS] = [row.span_id for row in rows]
    if any(row.label is not None for row in rows):
        attributes[names.RECORD_CLASSES] = [row.label or "" for row in rows]
    if any(row.value is not None for row in rows):
        attributes[names.RECORD_VALUES] = [_or_nan(row.value) for row in rows]
    if rows[0].scores:
        attributes[names.RECORD_SCORED] = [name for name, _ in rows[0].scores]
        attributes[names.RECORD_SCORES] = [score for row in rows for _, score in row.scores]
    if any(row.interval for row in rows):
        both = [row.interval or (np.nan, np.nan) for row in rows]
        attributes[names.RECORD_LOWS] = [float(low) for low, _ in both]
        attributes[names.RECORD_HIGHS] = [float(high) for _, high in both]
    for column in dict.fromkeys(name for row in rows for name, _ in row.segments):
        values = [dict(row.segments).get(column, "") for row in rows]
        attributes[f"{names.RECORD_SEGMENT}.{column}"] = values
    return attributes


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def details(model: Model, row: Prediction, inputs: Mapping[str, str | float]) -> dict[str, Any]:
    """The attributes of the event about one row with its features."""
    told: dict[str, Any] = {names.MODEL_NAME: model.name, names.INFERENCE_ID: row.id}
    if model.version is not None:
        told[names.MODEL_VERSION] = model.version
    if row.label is not None:
        told[names.PREDICTION_CLASS] = row.label
    if row.value is not None:
        told[names.PREDICTION_VALUE_OF_ROW] = row.value
    if len(row.scores) == 1:
        told[names.PREDICTION_SCORE_OF_ROW] = row.scores[0][1]
    return told | {f"{names.INPUT}.{name}": value for name, value in inputs.items()}
