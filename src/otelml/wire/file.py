"""Baselines on disk: OTLP-JSON as the wire has it, and one key of ours that describes it.

The id is the hash of the content, so what was changed by hand, or torn, is refused.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData, NumberDataPoint

from otelml.data import Baseline, Key, Model, Role, Sketch, Window, iso
from otelml.names import (
    FEATURE_CATEGORIES,
    FEATURE_CATEGORY,
    FEATURE_OBSERVATIONS,
    PREDICTION_CLASS,
    PREDICTION_CLASSES,
)
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.exponential import Exponential
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Assembly, Part, Piece
from otelml.sketch.probability import Probability
from otelml.wire.decode import Decoder
from otelml.wire.encode import window_metrics

FORMAT: Final = 1
_KINDS: Final = MappingProxyType(
    {Numeric: "number", Categories: "category", Probability: "probability", Count: "count"}
)


class BaselineError(ValueError):
    """A file that cannot serve as a baseline; it names the file, what is wrong and the remedy."""


def baseline(
    window: Window,
    *,
    source: str,
    created: int,
    columns: Mapping[str, str] | None = None,
    outcomes: Mapping[str, Any] | None = None,
) -> Baseline:
    """The baseline that a window makes; `created` is in nanoseconds and kept to the millisecond."""
    created -= created % 1_000_000
    sketches = {
        key: sketch.condensed() if isinstance(sketch, Numeric) else sketch
        for key, sketch in window.sketches.items()
    }
    window = replace(window, sketches=MappingProxyType(sketches))
    schema = MappingProxyType(
        {column(key): _KINDS[type(sketch)] for key, sketch in sorted_columns(window)}
    )
    identity = _identity(_resource_metrics(window), outcomes)
    given = columns or {}
    model = window.model
    rows = window.rows
    built = Baseline(identity, model, window, rows, source, created, schema, given, outcomes)
    return loads(dumps(built))  # what is kept in memory is what a file would hold


def column(key: Key) -> str:
    """How the schema calls a column.

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


def write(path: str | os.PathLike[str], baseline: Baseline) -> None:
    """Write a baseline, whole or not at all."""
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        scratch.write_text(dumps(baseline), encoding="utf-8")
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def dumps(baseline: Baseline) -> str:
    """The file's text."""
    content = _resource_metrics(baseline.window)
    about = {
        "format": FORMAT,
        "id": _identity(content, baseline.outcomes),
        "model": baseline.model.name,
        "version": baseline.model.version,
        "rows": baseline.rows,
        "source": baseline.source,
        "created": iso(baseline.created),
        "schema": dict(baseline.schema),
        "columns": dict(baseline.columns),
    }
    if baseline.outcomes is not None:
        about["outcomes"] = baseline.outcomes
    document = {"otelml": about, "resourceMetrics": content}
    return json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"


def read(path: str | os.PathLike[str]) -> Baseline:
    """The baseline in a file.

    Raises:
        BaselineError: there is none that can be trusted.

    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise BaselineError(f"{path}: {reason}; {_REMEDY}") from error
    return loads(text, str(path))


def loads(text: str, name: str = "baseline") -> Baseline:
    """The baseline in a file's text; `name` is what errors call it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{name}: not JSON ({error}); {_REMEDY}") from error
    about = document.get("otelml") if isinstance(document, dict) else None
    if not isinstance(about, dict) or not isinstance(document.get("resourceMetrics"), list):
        raise BaselineError(f"{name}: not a baseline of otelml; {_REMEDY}")
    if about.get("format") != FORMAT:
        raise BaselineError(
            f"{name}: format {about.get('format')!r} is not {FORMAT}, the one this version reads; "
            f"{_REMEDY}"
        )
    content = document["resourceMetrics"]
    identity = _identity(content, about.get("outcomes"))
    if about.get("id") != identity:
        raise BaselineError(
            f"{name}: id {about.get('id')!r} is not that of its content, {identity}: "
            f"it was changed after it was built; {_REMEDY}"
        )
    try:
        return _baseline(content, about, identity)
    except (ParseError, RecursionError, KeyError, TypeError, ValueError) as error:
        raise BaselineError(f"{name}: {error}; {_REMEDY}") from error


_REMEDY: Final = "build it again with `otelml baseline build`"


def _baseline(content: list[Any], about: dict[str, Any], identity: str) -> Baseline:
    data = ParseDict({"resourceMetrics": content}, MetricsData(), ignore_unknown_fields=True)
    bad: Counter[str] = Counter()
    model = Model(
        _text(about, "model"), None if about["version"] is None else str(about["version"])
    )
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
    schema = {str(name): str(kind) for name, kind in about["schema"].items()}
    sketches = {
        key: _as_kind(_sketch(of_one), schema.get(column(key))) for key, of_one in pieces.items()
    }
    predictions = [s for key, s in sketches.items() if key.role is Role.PREDICTIONS]
    rows = int(about["rows"])
    counted = sum(s.value for s in predictions if isinstance(s, Count))
    if predictions and counted != rows:
        raise ValueError(f"it says {rows} rows, but counts {counted}")
    window = Window(model, start, end, MappingProxyType(sketches), rows)
    created = _nanos(_text(about, "created"))
    source = str(about.get("source", ""))
    columns = {str(name): str(column) for name, column in about.get("columns", {}).items()}
    outcomes = about.get("outcomes")
    return Baseline(
        identity, model, window, rows, source, created, MappingProxyType(schema), columns, outcomes
    )


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
    if kind == "category" and isinstance(sketch, Numeric) and not sketch.count:
        return Categories({}, 0, sketch.missing, sketch.mismatched)
    if kind == "probability" and isinstance(sketch, Numeric) and not sketch.count:
        nothing = np.zeros_like(Probability.empty().counts)
        return Probability(nothing, 0.0, sketch.missing, sketch.mismatched)
    return sketch


def _text(about: dict[str, Any], name: str) -> str:
    if not isinstance(about.get(name), str):
        raise TypeError(f"`otelml.{name}` is missing")
    text: str = about[name]
    return text


def _nanos(text: str) -> int:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return round(moment.timestamp() * 1000) * 1_000_000


def _resource_metrics(window: Window) -> list[Any]:
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


def _identity(content: list[Any], outcomes: Mapping[str, Any] | None = None) -> str:
    whole = content if outcomes is None else [content, outcomes]
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
