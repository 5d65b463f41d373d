"""Every measure of fairness, one line each; and the findings of all of them on one column."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from otelml import names
from otelml.data import Finding, Limits, Role, Verdict, Window
from otelml.monitor.fairness import (
    calibration_parity,
    demographic_parity,
    equal_opportunity,
    equalized_odds,
    predictive_parity,
)
from otelml.monitor.fairness.gap import Gap, Parity
from otelml.monitor.fairness.groups import Groups
from otelml.monitor.performance.check import Span

MEASURES: Final[tuple[Parity, ...]] = (
    demographic_parity.DIFFERENCE,
    demographic_parity.RATIO,
    equal_opportunity.DIFFERENCE,
    equalized_odds.DIFFERENCE,
    equalized_odds.RATIO,
    predictive_parity.DIFFERENCE,
    calibration_parity.DIFFERENCE,
)
LEFT_OUT: Final = "groups_left_out"
"""Check that counts the groups too small for a measure, which is then named by a label."""

NAMES: Final = (*(measure.name for measure in MEASURES), LEFT_OUT)

ATTRIBUTE: Final = names.FAIRNESS_ATTRIBUTE
METRIC: Final = names.FAIRNESS_METRIC
LOW: Final = names.FAIRNESS_LOW
HIGH: Final = names.FAIRNESS_HIGH
_NO_LIMITS: Final[Mapping[str, Limits]] = MappingProxyType({})


def judge(
    groups: Groups,
    column: str,
    window: Window | Span,
    *,
    fewest: int = 50,
    limits: Mapping[str, Limits] = _NO_LIMITS,
    tell_groups: bool = False,
) -> list[Finding]:
    """Findings of every measure on the groups of one column.

    Args:
        groups: The groups.
        column: The segment column that they are of.
        window: Whose model and times the findings carry.
        fewest: Rows that a group's rate must be of, or the group is left out; how many were is a
            finding of its own.
        limits: Limits by the name of a measure, where not the defaults.
        tell_groups: Whether the findings name the two groups that differ most. Their names may be
            what people are not to be told apart by, so by default no finding does.

    """
    findings = []
    for measure in MEASURES:
        chosen = limits.get(measure.name, measure.limits)
        gap = measure.gap(groups, chosen, fewest)
        labels = [(ATTRIBUTE, column)]
        if tell_groups and gap.low is not None and gap.high is not None:
            labels += [(LOW, gap.low), (HIGH, gap.high)]
        findings.append(_finding(window, measure.name, gap, chosen, tuple(labels)))
        if gap.left_out:
            counted = Gap(Verdict.NOT_APPLICABLE, gap.groups, 0, gap.rows, float(gap.left_out))
            told = ((ATTRIBUTE, column), (METRIC, measure.name))
            findings.append(_finding(window, LEFT_OUT, counted, Limits(), told))
    return findings


def _finding(
    window: Window | Span,
    check: str,
    gap: Gap,
    limits: Limits,
    labels: tuple[tuple[str, str], ...],
) -> Finding:
    return Finding(
        window.model.name,
        window.model.version,
        Role.ERROR,
        None,
        check,
        gap.value,
        gap.p_value,
        gap.p_value_adjusted,
        gap.effect,
        limits,
        None,
        gap.verdict,
        gap.rows,
        0,
        (window.start, window.end),
        labels,
        gap.interval,
    )
