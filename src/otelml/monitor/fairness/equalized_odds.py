"""Equalized odds: equal true and false positive rates (Hardt, Price & Srebro, 2016).

The gap is the larger of both rates', the ratio the smaller.
"""

from otelml.data import Limits
from otelml.monitor.fairness.equal_opportunity import true_positive
from otelml.monitor.fairness.gap import Parity
from otelml.monitor.fairness.groups import Groups, Rates


def false_positive(groups: Groups) -> Rates:
    """False positive rates."""
    return groups.false_positive


_RATES = true_positive, false_positive
DIFFERENCE = Parity("equalized_odds", _RATES, Limits(0.1, 0.2))
RATIO = Parity("equalized_odds_ratio", _RATES, Limits(0.2, 0.2), ratio=True)
