"""A window that was evaluated, with all that is to be told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from otelml.data import Baseline, Finding, Window
from otelml.monitor.alerts import Subject
from otelml.monitor.performance.calibration_error import Curve
from otelml.monitor.retraining import Recommendation


@dataclass(frozen=True, slots=True)
class Judged:
    """A window that was evaluated, and what came of it.

    Of a window of predictions `labelled` counts those of its rows that have a label; it is `shown`
    if no newer one has enough.
    """

    window: Window
    baseline: Baseline | None
    findings: tuple[Finding, ...]
    opened: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    open: frozenset[Subject]
    labelled: int | None = None
    shown: bool = True
    recommended: tuple[Recommendation, ...] = ()
    confusion: Mapping[tuple[str, str], float] = field(default_factory=dict)
    curve: Curve | None = None
