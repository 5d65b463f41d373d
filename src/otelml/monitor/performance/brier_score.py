"""Brier score: the mean squared distance of probabilities from the truth (Brier, 1950).

Of one score it lies in [0, 1]; of several classes it is the sum over them, and lies in [0, 2].
"""

from otelml.monitor.performance.check import Better, Metric, Of
from otelml.monitor.performance.interval import mean

METRIC = Metric(
    "brier_score", "1", Better.LOWER, Of.LOSSES, lambda case: mean(case.summary.brier, 0.0)
)
