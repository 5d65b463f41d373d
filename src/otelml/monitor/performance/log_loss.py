"""Log loss: the mean of −ln p of the true class, p clipped to [ε, 1 − ε] as scikit-learn does."""

from otelml.monitor.performance.check import Better, Metric, Of
from otelml.monitor.performance.interval import mean

METRIC = Metric(
    "log_loss", "{score}", Better.LOWER, Of.LOSSES, lambda case: mean(case.summary.log_loss, 0.0)
)
