"""Positive rate: the share of rows predicted to be of the positive class.

It is neither good nor bad: a change warns and never alarms. Of several classes it says nothing,
their average being one by their number.
"""

from otelml.monitor.performance._rates import Sums, rates
from otelml.monitor.performance.check import Better

METRIC = rates("positive_rate", Better.SAME, Sums(predicted=1), Sums(all=1))
