"""Precision: of the rows predicted to be of a class, the share that is."""

from otelml.monitor.performance._rates import Sums, rates
from otelml.monitor.performance.check import Better

METRIC = rates("precision", Better.HIGHER, Sums(hits=1), Sums(predicted=1))
