"""Demographic parity: groups are predicted the positive class equally often.

The ratio of the lowest selection rate to the highest is that of the four-fifths rule (US Equal
Employment Opportunity Commission, 29 CFR 1607.4 D).
"""

from otelml.data import Limits
from otelml.monitor.fairness.gap import Parity
from otelml.monitor.fairness.groups import Groups, Rates


def selection(groups: Groups) -> Rates:
    """Selection rates."""
    return groups.selection


DIFFERENCE = Parity("demographic_parity", (selection,), Limits(0.1, 0.2))
RATIO = Parity("demographic_parity_ratio", (selection,), Limits(0.2, 0.2), ratio=True)
