"""What kinds of findings are called in telemetry: drift, data quality, performance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from otelml import names
from otelml.data import Finding, Role
from otelml.monitor.registry import DRIFT, QUALITY

Attributes = dict[str, str | float | int]
Numbers = Mapping[str, float | None]

_DRIFT: Final = frozenset(check.name for check in DRIFT)
_RATIOS: Final = frozenset(check.name for check in QUALITY) - {"constant"}


@dataclass(frozen=True, slots=True)
class Family:
    """Names that the findings of one kind go by.

    `state` is the metric of the alert's state, `opened` and `resolved` its events. `attributes`
    tell apart its gauges, and `subject` adds to them what tells apart its states. `gauges` are the
    values that a window has, `numbers` those that an event has.
    """

    state: str
    opened: str
    resolved: str
    attributes: Callable[[Finding], Attributes]
    subject: Callable[[Finding], Attributes]
    gauges: Callable[[Finding], Numbers]
    numbers: Callable[[Finding], Numbers]


def family_of(finding: Finding) -> Family:
    """The kind of a finding."""
    if finding.role is Role.ERROR:
        return PERFORMANCE
    return DRIFTS if finding.check in _DRIFT else DATA_QUALITY


def bound(finding: Finding) -> float | None:
    """The effect above which a check alarms: beyond its limit and beyond chance."""
    known = [x for x in (finding.limits.alarm, finding.limits.null) if x is not None]
    return max(known) if finding.limits.alarm is not None else None


def _column(finding: Finding) -> Attributes:
    """The column that a finding is about."""
    attributes: Attributes = dict(finding.labels)
    if finding.role.is_column:
        attributes[names.ROLE] = str(finding.role)
    if finding.feature:
        feature = finding.role is Role.FEATURE
        attributes[names.FEATURE_NAME if feature else names.OUTPUT_NAME] = finding.feature
    return attributes


def _nothing(_: Finding) -> Attributes:
    return {}


def _drift(finding: Finding) -> Attributes:
    told = {Role.FEATURE: "feature", Role.TARGET: "target"}.get(finding.role, "prediction")
    return _column(finding) | {names.DRIFT_TYPE: told, names.DRIFT_METHOD: finding.check}


def _drift_numbers(finding: Finding) -> Numbers:
    return {
        names.DRIFT_SCORE: finding.value,
        names.DRIFT_P_VALUE: finding.p_value,
        names.DRIFT_THRESHOLD: None if finding.value is None else bound(finding),
    }


DRIFTS: Final = Family(
    names.DRIFT_DETECTED,
    names.DRIFT_DETECTED_EVENT,
    names.DRIFT_RESOLVED_EVENT,
    _drift,
    _nothing,
    _drift_numbers,
    _drift_numbers,
)


def _quality(finding: Finding) -> Attributes:
    return _column(finding) | {names.VIOLATION_TYPE: finding.check}


def _ratio(finding: Finding) -> Numbers:
    return {names.VIOLATION_RATIO: finding.value if finding.check in _RATIOS else None}


DATA_QUALITY: Final = Family(
    names.DATA_QUALITY_STATE,
    names.QUALITY_DEGRADED_EVENT,
    names.QUALITY_RESTORED_EVENT,
    _quality,
    _nothing,
    _ratio,
    lambda finding: {**_ratio(finding), names.VIOLATION_THRESHOLD: bound(finding)},
)


def _performance(finding: Finding) -> Attributes:
    return {names.PERFORMANCE_SOURCE: "ground_truth", **dict(finding.labels)}


PERFORMANCE: Final = Family(
    names.PERFORMANCE_STATE,
    names.PERFORMANCE_DEGRADED_EVENT,
    names.PERFORMANCE_RESTORED_EVENT,
    _performance,
    lambda finding: {names.PERFORMANCE_METRIC: finding.check},
    lambda finding: {names.PERFORMANCE + finding.check: finding.value},
    lambda finding: {
        names.PERFORMANCE_VALUE: finding.value,
        names.PERFORMANCE_BASELINE: finding.reference,
        names.PERFORMANCE_THRESHOLD: bound(finding),
    },
)
