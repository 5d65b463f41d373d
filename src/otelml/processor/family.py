"""What kinds of findings are called in telemetry: drift, data quality, performance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from otelml import names
from otelml.data import Finding, Role, Verdict
from otelml.monitor.concept import DETECTORS
from otelml.monitor.fairness.judge import LEFT_OUT
from otelml.monitor.fairness.judge import NAMES as FAIR
from otelml.monitor.paired.judge import NAMES as PAIRED
from otelml.monitor.registry import DRIFT, QUALITY
from otelml.processor.tally import ESTIMATE_ERROR

Attributes = dict[str, str | float | int]
Numbers = Mapping[str, float | None]

_DRIFT: Final = frozenset(check.name for check in DRIFT)
_RATIOS: Final = frozenset(check.name for check in QUALITY) - {"constant"}


@dataclass(frozen=True, slots=True)
class Family:
    """Names that the findings of one kind go by.

    `state` is the metric of the alert's state, `opened` and `resolved` its events; `attributes`
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
        return _OF_ERRORS.get(finding.check, PERFORMANCE)
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
    told = _DRIFT_TYPES.get(finding.role, "prediction")
    return _column(finding) | {names.DRIFT_TYPE: told, names.DRIFT_METHOD: finding.check}


_DRIFT_TYPES: Final = {Role.FEATURE: "feature", Role.TARGET: "target", Role.ERROR: "concept"}


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


def _told(finding: Finding) -> Attributes:
    return {**dict(finding.labels)}


def _numbers(finding: Finding) -> Numbers:
    return {
        names.PERFORMANCE_VALUE: finding.value,
        names.PERFORMANCE_BASELINE: finding.reference,
        names.PERFORMANCE_THRESHOLD: bound(finding),
    }


def _measured(finding: Finding) -> Numbers:
    """The value, unless it is of too few rows to be looked at."""
    if finding.verdict is Verdict.TOO_LITTLE_DATA:
        return {}
    return {names.PERFORMANCE + finding.check: finding.value}


PERFORMANCE: Final = Family(
    names.PERFORMANCE_STATE,
    names.PERFORMANCE_DEGRADED_EVENT,
    names.PERFORMANCE_RESTORED_EVENT,
    _performance,
    lambda finding: {names.PERFORMANCE_METRIC: finding.check},
    _measured,
    _numbers,
)
ESTIMATES: Final = replace(PERFORMANCE, attributes=_told)


def _fairness_gauge(finding: Finding) -> Numbers:
    if finding.check == LEFT_OUT:
        return {}
    ratio = finding.check.endswith("_ratio")
    return {names.FAIRNESS_RATIO if ratio else names.FAIRNESS_GAP: finding.value}


FAIRNESS: Final = Family(
    names.PERFORMANCE_STATE,
    names.FAIRNESS_DEGRADED_EVENT,
    names.FAIRNESS_RESTORED_EVENT,
    lambda finding: {names.FAIRNESS_METRIC: finding.check, **dict(finding.labels)},
    lambda finding: {names.PERFORMANCE_METRIC: finding.check},
    _fairness_gauge,
    _numbers,
)
SHADOWS: Final = replace(
    PERFORMANCE,
    attributes=lambda finding: {names.SHADOW_METRIC: finding.check, **dict(finding.labels)},
    gauges=lambda finding: {names.SHADOW_COMPARISON: finding.value},
)

_OF_ERRORS: Final = {
    ESTIMATE_ERROR: ESTIMATES,
    **dict.fromkeys(DETECTORS, DRIFTS),
    **dict.fromkeys(FAIR, FAIRNESS),
    **dict.fromkeys(PAIRED, SHADOWS),
}
