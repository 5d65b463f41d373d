"""Mean squared error."""

from otelml.monitor.performance.check import Better, Metric, Of
from otelml.monitor.performance.interval import mean

METRIC = Metric(
    "mse",
    "{score}",
    Better.LOWER,
    Of.ERRORS,
    lambda case: mean(case.summary.residuals.squared, 0.0),
)
