"""Coefficient of determination: 1 − mean squared error / variance of the window's own truth.

Its interval is symmetric in the logarithm of that ratio, by the delta method with the dependence of
error and target, whatever their shapes.
"""

import math

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value, Z


def _determination(case: Case) -> Value | None:
    residuals = case.summary.residuals
    squared, spread = residuals.squared, residuals.target.variance
    if not spread > 0:
        return None
    ratio, rows = squared.mean / spread, squared.effective
    if not ratio:
        return Value(1.0, 1.0, 1.0)
    variance = residuals.dependence.variance_of_ratio() / ratio**2
    if rows <= 1 or not math.isfinite(variance):
        return Value(1 - ratio, -math.inf, 1.0)
    factor = math.exp(min(Z * math.sqrt(variance / (rows - 1)), 700.0))
    return Value(1 - ratio, 1 - ratio * factor, 1 - ratio / factor)


METRIC = Metric("r2", "{score}", Better.HIGHER, Of.TRUTHS, _determination)
