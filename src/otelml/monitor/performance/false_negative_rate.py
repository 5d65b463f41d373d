"""False negative rate: of the rows of a class, the share predicted not to be: 1 − recall."""

from otelml.monitor.performance._rates import Sums, rates
from otelml.monitor.performance.check import Better

METRIC = rates("false_negative_rate", Better.LOWER, Sums(hits=-1, true=1), Sums(true=1))
