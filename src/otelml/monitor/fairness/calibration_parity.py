"""Calibration parity: scores exceed the share of the positive class equally in every group.

It is calibration in the large: an expected calibration error is biased upward in small groups, so
that two groups of unlike size differ without cause.
"""

from otelml.data import Limits
from otelml.monitor.fairness.gap import Parity
from otelml.monitor.fairness.groups import Groups, Rates


def calibration(groups: Groups) -> Rates:
    """Mean scores less the shares of the positive class."""
    return groups.calibration


DIFFERENCE = Parity("calibration_parity", (calibration,), Limits(0.1, 0.2), of_shares=False)
