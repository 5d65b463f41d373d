"""Mean absolute error."""

from otelml.monitor.performance.check import Better, Metric, Of
from otelml.monitor.performance.interval import mean

METRIC = Metric(
    "mae",
    "{score}",
    Better.LOWER,
    Of.ERRORS,
    lambda case: mean(case.summary.residuals.absolute, 0.0),
)
