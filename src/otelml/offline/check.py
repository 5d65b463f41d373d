"""A file against a baseline, without a service."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from otelml.data import Baseline, Finding, Model, Window
from otelml.monitor.check import Checks
from otelml.monitor.registry import DEFAULT, run
from otelml.offline.profile import layout_of, profile
from otelml.wire import file


def check(
    baseline: Baseline,
    data: Path,
    checks: Checks = DEFAULT,
    advance: Callable[[float], None] = lambda _: None,
) -> list[Finding]:
    """Findings on a table, or on another baseline, against a baseline; worst first.

    Raises:
        BaselineError, DataError: the file can be read as neither.

    """
    if data.suffix.lower() == ".json":
        window = _of(file.read(data).window, baseline.model)
    else:
        layout = layout_of(baseline.columns, baseline.schema)
        window = profile(data, baseline.model, layout, advance)
    return run(checks, baseline.window, window)


def _of(window: Window, model: Model) -> Window:
    """The same window, as another model's."""
    sketches = {key._replace(model=model): sketch for key, sketch in window.sketches.items()}
    return replace(window, model=model, sketches=MappingProxyType(sketches))
