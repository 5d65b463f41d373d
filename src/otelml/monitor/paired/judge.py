"""Findings on a challenger beside its champion.

A challenger that is better beyond chance is news, a warning; all else is as it should be.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from otelml import names
from otelml.data import Finding, Limits, Model, Role, Verdict
from otelml.monitor.check import adjust, judged
from otelml.monitor.paired import mean
from otelml.monitor.paired.roc_auc import Areas
from otelml.monitor.paired.summary import Summary

LEVEL: Final = 0.05
"""Chance that an interval misses."""

NAMES: Final = (
    "agreement",
    "cohen_kappa",
    "mean_difference",
    "correlation",
    "score_difference",
    "accuracy_difference",
    "roc_auc_difference",
    "error_difference",
)


class _Told(NamedTuple):
    """A comparison: `gain` is by how much the challenger is better, where it can be."""

    check: str
    rows: int
    value: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    gain: float | None = None
    reference: float | None = None
    labels: tuple[tuple[str, str], ...] = ()


def judge(
    summary: Summary,
    areas: Areas | None,
    challenger: Model,
    champion: Model,
    window: tuple[int, int],
    fewest: int = 200,
) -> list[Finding]:
    """Findings on the challenger.

    Args:
        summary: What is known of the pair.
        areas: Of the window's rows; None if not known.
        challenger: The model that nobody acts on yet.
        champion: The one in use.
        window: Start and end, in nanoseconds since the epoch.
        fewest: Rows below which a comparison is of too little data.

    """
    told = [*_agreement(summary), *_scores(summary), *_comparisons(summary, areas)]
    told = [t if t.rows >= fewest else _Told(t.check, t.rows, labels=t.labels) for t in told]
    adjusted = adjust([t.p_value if t.gain is not None else None for t in told])
    findings = []
    for t, p_value in zip(told, adjusted, strict=True):
        limits = Limits() if t.gain is None else Limits(warn=0.0)
        verdict = Verdict.OK if t.value is not None else Verdict.NOT_APPLICABLE
        if t.rows < fewest:
            verdict = Verdict.TOO_LITTLE_DATA
        elif t.gain is not None:
            verdict = judged(t.gain, p_value, limits)
        findings.append(
            Finding(
                challenger.name,
                challenger.version,
                Role.ERROR,
                None,
                t.check,
                t.value,
                t.p_value,
                p_value,
                t.gain,
                limits,
                t.reference,
                verdict,
                t.rows,
                t.rows,
                window,
                ((names.SHADOW_CHAMPION, champion.name), *t.labels),
                t.interval,
            )
        )
    return findings


def _agreement(summary: Summary) -> Iterator[_Told]:
    classes, numbers = summary.classes, summary.numbers
    if rows := classes.rows:
        yield _Told("agreement", rows, classes.agreement, classes.agreement_interval(LEVEL))
        yield _Told("cohen_kappa", rows, classes.kappa, classes.kappa_interval(LEVEL))
    if (rows := numbers.rows) > 1:
        yield _Told("agreement", rows, numbers.agreement, numbers.agreement_interval(LEVEL))
        gaps = numbers.difference
        told = gaps.mean, mean.interval(gaps, LEVEL), mean.p_value(gaps)
        yield _Told("mean_difference", rows, *told)
        told_too = numbers.correlation, numbers.correlation_interval(LEVEL)
        yield _Told("correlation", rows, *told_too)


def _scores(summary: Summary) -> Iterator[_Told]:
    for name, gaps in summary.scores.items():
        if gaps.count > 1:
            told = gaps.mean, mean.interval(gaps, LEVEL), mean.p_value(gaps)
            labels = ((names.PREDICTION_CLASS, name),)
            yield _Told("score_difference", gaps.count, *told, labels=labels)


def _comparisons(summary: Summary, areas: Areas | None) -> Iterator[_Told]:
    """Who is better."""
    rights, errors = summary.discordance, summary.errors
    if rights.rows:
        told = rights.difference, rights.interval(LEVEL), rights.p_value
        yield _Told("accuracy_difference", rights.rows, *told, rights.difference, rights.reference)
    if areas is not None:
        told = areas.difference, areas.interval(LEVEL), areas.p_value
        yield _Told("roc_auc_difference", areas.rows, *told, areas.difference, areas.champion)
    if errors.count > 1:
        told = errors.mean, mean.interval(errors, LEVEL), mean.p_value(errors)
        reference = summary.champion_errors.mean
        yield _Told("error_difference", errors.count, *told, -errors.mean, reference)
