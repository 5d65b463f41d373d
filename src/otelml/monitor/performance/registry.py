"""Every measure of performance, one line each; and all of them judge a window."""

from typing import Final

from otelml import names
from otelml.data import Finding, Window
from otelml.monitor.performance import (
    accuracy,
    brier_score,
    calibration_error,
    f1,
    false_negative_rate,
    false_positive_rate,
    gini,
    interval_coverage,
    log_loss,
    mae,
    mape,
    mean_error,
    mse,
    positive_rate,
    pr_auc,
    precision,
    r2,
    recall,
    residual_variance,
    rmse,
    roc_auc,
    score_ks,
)
from otelml.monitor.performance.check import (
    Case,
    Metric,
    Rules,
    Span,
    averages,
    found,
    positive_class,
)
from otelml.monitor.performance.summary import Summary

METRICS: Final[tuple[Metric, ...]] = (
    accuracy.METRIC,
    precision.METRIC,
    recall.METRIC,
    f1.METRIC,
    false_positive_rate.METRIC,
    false_negative_rate.METRIC,
    positive_rate.METRIC,
    roc_auc.METRIC,
    pr_auc.METRIC,
    gini.METRIC,
    score_ks.METRIC,
    log_loss.METRIC,
    brier_score.METRIC,
    calibration_error.METRIC,
    mae.METRIC,
    mse.METRIC,
    rmse.METRIC,
    mape.METRIC,
    r2.METRIC,
    mean_error.METRIC,
    residual_variance.METRIC,
    interval_coverage.METRIC,
)
NAMES: Final = tuple(metric.name for metric in METRICS)
DEFAULT: Final = Rules(METRICS)

AVERAGE: Final = names.PERFORMANCE_AVERAGE
SOURCE: Final = names.PERFORMANCE_SOURCE


def judge(
    rules: Rules,
    reference: Summary | None,
    summary: Summary,
    window: Window | Span,
    labels: tuple[tuple[str, str], ...] = ((SOURCE, "ground_truth"),),
) -> list[Finding]:
    """Findings of every measure that the summary of a window has.

    Args:
        rules: The measures and their limits.
        reference: What to compare with; None leaves absolute limits only.
        summary: The window's rows that have labels.
        window: Whose model and times the findings carry.
        labels: Their attributes: the source, and a segment where the summary is of one.

    """
    positive = positive_class(rules, reference, summary)
    span = Span(window.model, window.start, window.end)
    rows = summary.rows, reference.rows if reference else 0
    findings = []
    for metric in rules.all:
        if metric.name in rules.exclude:
            continue
        for average in averages(metric, summary, positive):
            told = ((AVERAGE, average), *labels) if average else labels
            before = Case(reference, average, positive) if reference else None
            cases = Case(summary, average, positive), before
            findings.append(found(metric, rules, span, told, cases, rows))
    return findings
