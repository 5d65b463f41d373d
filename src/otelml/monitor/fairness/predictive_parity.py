"""Predictive parity: equal precision, whatever the group (Chouldechova, 2017)."""

from otelml.data import Limits
from otelml.monitor.fairness.gap import Parity
from otelml.monitor.fairness.groups import Groups, Rates


def precision(groups: Groups) -> Rates:
    """Precisions."""
    return groups.precision


DIFFERENCE = Parity("predictive_parity", (precision,), Limits(0.1, 0.2))
