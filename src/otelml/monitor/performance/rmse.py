"""Root mean squared error; the interval is the root of that of the mean squared error."""

import math

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value, mean


def _root(case: Case) -> Value | None:
    found = mean(case.summary.residuals.squared, 0.0)
    return Value(*(math.sqrt(part) for part in found)) if found else None


METRIC = Metric("rmse", "{score}", Better.LOWER, Of.ERRORS, _root)
