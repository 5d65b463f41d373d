"""False positive rate: of the rows not of a class, the share predicted to be."""

from otelml.monitor.performance._rates import Sums, rates
from otelml.monitor.performance.check import Better

METRIC = rates(
    "false_positive_rate", Better.LOWER, Sums(hits=-1, predicted=1), Sums(true=-1, all=1)
)
