"""Coefficient of determination: 1 − mean squared error / variance of the window's own truth.

The interval is that of the logarithm of the ratio, by the delta method.
"""

import math

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value, Z


def _determination(case: Case) -> Value | None:
    residuals = case.summary.residuals
    squared, spread = residuals.squared, residuals.target.variance
    if not spread > 0:
        return None
    unexplained = squared.mean / spread
    rows = squared.effective
    if rows <= 1 or not unexplained:
        return Value(1 - unexplained, -math.inf if unexplained else 1.0, 1.0)
    variance = (squared.variance / squared.mean**2 + 2.0) / (rows - 1)
    factor = math.exp(Z * math.sqrt(variance))
    return Value(1 - unexplained, 1 - unexplained * factor, 1 - unexplained / factor)


METRIC = Metric("r2", "{score}", Better.HIGHER, Of.ERRORS, _determination)
