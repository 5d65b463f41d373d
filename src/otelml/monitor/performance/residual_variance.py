"""Variance of the errors (ddof 0): the mean squared error without the bias.

Its interval is as wide as that of the mean squared error, the wider the more bias there is.
"""

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value, mean


def _variance(case: Case) -> Value | None:
    residuals = case.summary.residuals
    squared = mean(residuals.squared, 0.0)
    if squared is None:
        return None
    value = residuals.error.variance
    return Value(
        value,
        max(value - (squared.value - squared.low), 0.0),
        value + (squared.high - squared.value),
    )


METRIC = Metric("residual_variance", "{score}", Better.LOWER, Of.TRUTHS, _variance)
