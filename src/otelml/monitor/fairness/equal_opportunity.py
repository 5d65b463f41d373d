"""Equal opportunity: equal true positive rates (Hardt, Price & Srebro, 2016)."""

from otelml.data import Limits
from otelml.monitor.fairness.gap import Parity
from otelml.monitor.fairness.groups import Groups, Rates


def true_positive(groups: Groups) -> Rates:
    """True positive rates."""
    return groups.true_positive


DIFFERENCE = Parity("equal_opportunity", (true_positive,), Limits(0.1, 0.2))
