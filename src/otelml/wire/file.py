"""Baselines on disk: OTLP-JSON as the wire has it, and one key of ours that describes it.

The id is the hash of the content, so what was changed by hand, or torn, is refused.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.json_format import ParseError

from otelml.data import Baseline, Model, Role, Window, iso
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability
from otelml.wire.content import column, content_of, sorted_columns, window_of

FORMAT: Final = 1
_KINDS: Final = MappingProxyType(
    {Numeric: "number", Categories: "category", Probability: "probability", Count: "count"}
)

_DAMAGE: Final = ParseError, RecursionError, LookupError, TypeError, ValueError, ArithmeticError


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
    built = Baseline(
        "", window.model, window, window.rows, source, created, schema, columns or {}, outcomes
    )
    return loads(dumps(built))  # what is kept in memory is what a file would hold, and has its id


def write(path: str | os.PathLike[str], baseline: Baseline) -> None:
    """Write a baseline, whole or not at all; a link stays, and what is no file is written into."""
    text, target = dumps(baseline), Path(path)
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    target = Path(os.path.realpath(target))
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def dumps(baseline: Baseline) -> str:
    """The file's text."""
    content = content_of(baseline.window)
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
        raise BaselineError(f"{path}: {reason}; {REMEDY}") from error
    return loads(text, str(path))


def loads(text: str, name: str = "baseline") -> Baseline:
    """The baseline in a file's text; `name` is what errors call it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{name}: not JSON ({error}); {REMEDY}") from error
    about = document.get("otelml") if isinstance(document, dict) else None
    if not isinstance(about, dict) or not isinstance(document.get("resourceMetrics"), list):
        raise BaselineError(f"{name}: not a baseline of otelml; {REMEDY}")
    if about.get("format") != FORMAT:
        raise BaselineError(
            f"{name}: format {about.get('format')!r} is not {FORMAT}, the one this version reads; "
            f"{REMEDY}"
        )
    try:
        return _baseline(document["resourceMetrics"], about)
    except _DAMAGE as error:
        raise BaselineError(f"{name}: {error}; {REMEDY}") from error


REMEDY: Final = "build it again with `otelml baseline build`"


def _baseline(content: list[Any], about: dict[str, Any]) -> Baseline:
    outcomes = about.get("outcomes")
    identity = _identity(content, outcomes)
    if about.get("id") != identity:
        raise ValueError(
            f"id {about.get('id')!r} is not that of its content, {identity}: "
            "it was changed after it was built"
        )
    version = None if about["version"] is None else str(about["version"])
    model = Model(_text(about, "model"), version)
    schema = _texts(about, "schema")
    rows = _rows(about)
    window = window_of(content, model, schema, rows)
    sketches = window.sketches
    predictions = [s for key, s in sketches.items() if key.role is Role.PREDICTIONS]
    counted = sum(s.value for s in predictions if isinstance(s, Count))
    if predictions and counted != rows:
        raise ValueError(f"it says {rows} rows, but counts {counted}")
    created = _nanos(_text(about, "created"))
    source = str(about.get("source", ""))
    columns = _texts(about, "columns") if "columns" in about else {}
    return Baseline(
        identity, model, window, rows, source, created, MappingProxyType(schema), columns, outcomes
    )


def _text(about: dict[str, Any], name: str) -> str:
    if not isinstance(about.get(name), str):
        raise TypeError(f"`otelml.{name}` is missing")
    text: str = about[name]
    return text


def _texts(about: dict[str, Any], name: str) -> dict[str, str]:
    if not isinstance(about.get(name), dict):
        raise TypeError(f"`otelml.{name}` is missing")
    return {str(key): str(text) for key, text in about[name].items()}


def _rows(about: dict[str, Any]) -> int:
    rows = about.get("rows")
    if not isinstance(rows, int) or isinstance(rows, bool) or not 0 <= rows < 2**63:
        raise ValueError(f"`otelml.rows` is {rows!r:.40}, which is no number of rows")
    return rows


def _nanos(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"`otelml.created` is {text!r:.40}, which is no moment") from error
    return round(moment.timestamp() * 1000) * 1_000_000


def _identity(content: list[Any], outcomes: Mapping[str, Any] | None = None) -> str:
    whole = content if outcomes is None else [content, outcomes]
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
