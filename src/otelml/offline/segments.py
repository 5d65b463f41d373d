"""Tables by slice: their rows for each value of a column, spelled as telemetry spells it."""

from collections.abc import Container, Iterable, Iterator
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otelml.data import segment
from otelml.recording.rows import numeral

_BOOLEANS: Final = MappingProxyType({"true": "True", "1": "True", "false": "False", "0": "False"})


def spelled(column: Any) -> list[str | None]:
    """The values of a column as text; None where one is missing.

    >>> spelled(pa.array([1_000_003, None])), spelled(pa.array([1.0, 2.5, -0.0]))
    (['1000003', None], ['1', '2.5', '0'])
    >>> spelled(pa.array([True, False]))
    ['True', 'False']
    """
    return [_text(value) for value in column.to_pylist()]


def boolean(text: str | None) -> str | None:
    """True or false as Python spells what Arrow reads as such from CSV; other text as it is.

    >>> boolean("TRUE"), boolean("0"), boolean("yes")
    ('True', 'False', 'yes')
    """
    return _BOOLEANS.get(text.lower(), text) if text else text


def _text(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return numeral(float(value)) if number else str(value)


def cut(
    batch: pa.RecordBatch, columns: Iterable[str], booleans: Container[str] = ()
) -> Iterator[tuple[tuple[tuple[str, str], ...], pa.RecordBatch]]:
    """The rows of each slice, the largest slice of a column first; `booleans` as in a layout."""
    for name in columns:
        encoded = batch[name]
        if not pa.types.is_dictionary(encoded.type):
            encoded = pc.dictionary_encode(encoded)
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        values = spelled(encoded.dictionary)
        if name in booleans and pa.types.is_string(encoded.dictionary.type):
            values = [*map(boolean, values)]
        for code in np.argsort(-np.bincount(codes[codes >= 0], minlength=len(values))).tolist():
            value = values[code]
            rows = np.flatnonzero(codes == code)
            if value is not None and len(rows):
                yield segment(name, value), batch.take(pa.array(rows))
