"""A window as the OTLP-JSON that a baseline's file holds, and back."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData, NumberDataPoint

from otelml.data import Key, Model, Sketch, Window
from otelml.names import (
    FEATURE_CATEGORIES,
    FEATURE_CATEGORY,
    FEATURE_OBSERVATIONS,
    PREDICTION_CLASS,
    PREDICTION_CLASSES,
)
from otelml.sketch.categories import Categories
from otelml.sketch.exponential import Exponential
from otelml.sketch.kind import as_kind
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Assembly, Part, Piece
from otelml.sketch.probability import Probability
from otelml.wire.decode import Decoder
from otelml.wire.encode import window_metrics


def column(key: Key) -> str:
    """How the schema calls a column.

    >>> from otelml.data import Role
    >>> column(Key(Model("fraud"), Role.FEATURE, "age")), column(Key(Model("fraud"), Role.SCORE))
    ('feature:age', 'score')
    """
    return f"{key.role}:{key.name}" if key.name else str(key.role)


def sorted_columns(window: Window) -> list[tuple[Key, Sketch]]:
    """The window's columns, without the series about calls and those of slices, in order."""
    columns = [
        (key, sketch)
        for key, sketch in window.sketches.items()
        if key.role.is_column and not key.segment
    ]
    return sorted(columns, key=lambda item: (column(item[0]), item[0].labels))


def content_of(window: Window) -> list[Any]:
    """The window as OTLP-JSON: its `resourceMetrics`."""
    data = window_metrics(window)
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    for index, metric in reversed([*enumerate(metrics)]):
        if metric.name == FEATURE_OBSERVATIONS:  # the other counts add up to it
            del metrics[index]
    for metric in metrics:
        if metric.name in (FEATURE_CATEGORIES, PREDICTION_CLASSES):
            metric.sum.data_points.sort(key=_column_and_count)  # compresses better than by name
        for point in metric.sum.data_points:
            if point.HasField("as_double"):  # digits enough for 1e-12, that read and written stay
                point.as_double = float(f"{point.as_double:.13g}")
    whole = MessageToDict(data, use_integers_for_enums=True)
    content: list[Any] = whole["resourceMetrics"]
    return content


def _column_and_count(point: NumberDataPoint) -> tuple[bytes, int]:
    column = (a for a in point.attributes if a.key not in (FEATURE_CATEGORY, PREDICTION_CLASS))
    return b"".join(a.SerializeToString() for a in column), -point.as_int


def window_of(content: list[Any], model: Model, schema: Mapping[str, str], rows: int) -> Window:
    """The window that content holds.

    Raises:
        ValueError: it holds none, or one of another model, or points that are not valid.

    """
    data = ParseDict({"resourceMetrics": content}, MetricsData(), ignore_unknown_fields=True)
    bad: Counter[str] = Counter()
    pieces: dict[Key, list[Piece]] = {}
    start, end = 2**63, 0
    for point in Decoder().points(data, bad):
        location = point.stream.location
        if location.key.model != model:
            raise ValueError(f"it holds series of model {location.key.model.name!r} as well")
        pieces.setdefault(location.key, []).append(
            Piece(location.part, point.value, location.label)
        )
        start, end = min(start, point.start), max(end, point.end)
    if bad:
        raise ValueError(f"some points are not valid ({', '.join(sorted(bad))})")
    if not pieces:
        raise ValueError("it holds no series")
    sketches = {
        key: _as_kind(_sketch(of_one), schema.get(column(key))) for key, of_one in pieces.items()
    }
    return Window(model, start, end, MappingProxyType(sketches), rows)


def _sketch(pieces: list[Piece]) -> Sketch:
    """The sketch of the pieces, with body and tail cut exactly where they were."""
    assembly = Assembly()
    histograms: dict[Part, Exponential] = {}
    for piece in pieces:
        assembly.add(piece)
        if isinstance(piece.value, Exponential):
            if piece.part in histograms:
                raise ValueError("it holds two histograms of one column")
            histograms[piece.part] = piece.value
    sketch = assembly.sketch()
    if not isinstance(sketch, Numeric) or not histograms:
        return sketch
    nothing = Exponential.empty(next(iter(histograms.values())).origin)
    body, tail = (histograms.get(part, nothing) for part in (Part.BODY, Part.TAIL))
    return replace(sketch, body=body, tail=tail)


def _as_kind(sketch: Sketch, kind: str | None) -> Sketch:
    """A column with only missing values travels without saying what it holds: the schema does."""
    silent = isinstance(sketch, Numeric) and not sketch.count
    return as_kind(sketch, _KINDS[kind]) if silent and kind in _KINDS else sketch


_KINDS: Final[Mapping[str | None, type[Sketch]]] = MappingProxyType(
    {"category": Categories, "probability": Probability}
)
