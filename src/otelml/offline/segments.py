"""Tables by slice: their rows for each value of a column, spelled as telemetry spells it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otelml.data import segment
from otelml.offline.spelling import Spelling, as_known
from otelml.recording.rows import numeral
from otelml.recording.scalars import is_number, number_of


def spelled(column: Any, known: Spelling | None = None) -> list[str | None]:
    """The values of a column as text, as a baseline spells it; None where one is missing.

    >>> spelled(pa.array([1_000_003, None])), spelled(pa.array([1.0, 2.5, -0.0]))
    (['1000003', None], ['1', '2.5', '0'])
    >>> spelled(pa.array([True, False]))
    ['True', 'False']
    """
    texts = [_text(value) for value in column.to_pylist()]
    if known:
        return [text and as_known(text, known) for text in texts]
    return texts


def _text(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    return numeral(number_of(value)) if is_number(value) else str(value)


def cut(
    batch: pa.RecordBatch, columns: Iterable[str], known: Mapping[str, Spelling]
) -> Iterator[tuple[tuple[tuple[str, str], ...], pa.RecordBatch]]:
    """The rows of each slice, the largest slice of a column first; `known` as in a layout."""
    for name in columns:
        encoded = batch[name]
        if not pa.types.is_dictionary(encoded.type):
            encoded = pc.dictionary_encode(encoded)
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        values = spelled(encoded.dictionary, known.get(name))
        for code in np.argsort(-np.bincount(codes[codes >= 0], minlength=len(values))).tolist():
            value = values[code]
            rows = np.flatnonzero(codes == code)
            if value is not None and len(rows):
                yield segment(name, value), batch.take(pa.array(rows))
