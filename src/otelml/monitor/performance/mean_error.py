"""Mean error, prediction minus truth: the bias. A change is relative to the reference's RMSE."""

import math

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import mean


def _rmse(case: Case) -> float:
    return math.sqrt(case.summary.residuals.squared.mean)


METRIC = Metric(
    "mean_error",
    "{score}",
    Better.ZERO,
    Of.TRUTHS,
    lambda case: mean(case.summary.residuals.error),
    _rmse,
)
