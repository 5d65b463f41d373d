"""Shift of the mean, in standard deviations of the baseline; tested by Welch's t (Welch, 1947)."""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison


def measure(pair: Comparison) -> Measure | None:
    """Welch's t and its p-value; None where neither side varies."""
    reference, current = pair.pair
    m, n = reference.count, current.count
    errors = np.array([reference.variance / (m - 1), current.variance / (n - 1)])
    error = float(errors.sum())
    if not (0 < error < np.inf and pair.spread > 0):
        return None
    shift = current.mean - reference.mean
    t = shift / error**0.5
    freedom = error**2 / float((errors**2 / np.array([m - 1, n - 1])).sum())
    return Measure(
        t,
        abs(shift) / pair.spread,
        float(2 * special.stdtr(freedom, -abs(t))),
        lambda level: -float(special.stdtrit(freedom, level / 2)) * error**0.5 / pair.spread,
        reference.mean,
    )


CHECK = Check(
    "mean_shift",
    "{score}",
    warn=0.1,
    alarm=0.2,
    measure=measure,
    numbers_only=True,
    is_test=True,
)
