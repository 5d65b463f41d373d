"""Interval coverage: share of truths inside the interval that the model gave (Wilson, 1927)."""

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value, wilson


def _coverage(case: Case) -> Value | None:
    covered = case.summary.residuals.covered
    return wilson(min(max(covered.mean, 0.0), 1.0), covered.effective) if covered.weight else None


METRIC = Metric("interval_coverage", "1", Better.HIGHER, Of.INTERVALS, _coverage)
