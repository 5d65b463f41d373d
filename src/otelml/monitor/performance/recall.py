"""Recall, or true positive rate: of the rows of a class, the share predicted to be."""

from otelml.monitor.performance._rates import Sums, rates
from otelml.monitor.performance.check import Better

METRIC = rates("recall", Better.HIGHER, Sums(hits=1), Sums(true=1))
