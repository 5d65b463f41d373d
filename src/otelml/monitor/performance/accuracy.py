"""Accuracy: the share of rows whose predicted class is the true one; interval of Wilson (1927)."""

from otelml.monitor.performance._rates import right
from otelml.monitor.performance.check import Better, Metric, Of

METRIC = Metric(
    "accuracy", "1", Better.HIGHER, Of.CLASSES, lambda case: right(case.summary.confusion)
)
