"""Mean absolute percentage error: mean |error| / max(|truth|, ε), as a share, not times 100."""

from otelml.monitor.performance.check import Better, Metric, Of
from otelml.monitor.performance.interval import mean

METRIC = Metric(
    "mape",
    "{score}",
    Better.LOWER,
    Of.TRUTHS,
    lambda case: mean(case.summary.residuals.relative, 0.0),
)
