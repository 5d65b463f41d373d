"""Positive rate: the share of rows predicted to be of the positive class.

It is neither good nor bad: a change warns and never alarms.
"""

from otelml.monitor.performance._rates import Sums, rates
from otelml.monitor.performance.check import Better, Of

METRIC = rates("positive_rate", Better.SAME, Sums(predicted=1), Sums(all=1), Of.POSITIVE)
