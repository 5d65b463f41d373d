"""Shift of the mean, in standard deviations of the baseline; tested by Welch's t (Welch, 1947)."""

import math

from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison


def measure(pair: Comparison) -> Measure | None:
    """Welch's t and its p-value; None where neither side varies, or one has a single value."""
    reference, current = pair.pair
    m, n = reference.count, current.count
    if min(m, n) < 2:
        return None
    errors = reference.variance / (m - 1), current.variance / (n - 1)
    error, spread = sum(errors), pair.spread
    if not (0 < error < math.inf and spread > 0):
        return None
    shift = current.mean - reference.mean
    t = shift / error**0.5
    freedom = 1 / ((errors[0] / error) ** 2 / (m - 1) + (errors[1] / error) ** 2 / (n - 1))
    return Measure(
        t,
        abs(shift) / spread,
        float(2 * special.stdtr(freedom, -abs(t))),
        lambda level: -float(special.stdtrit(freedom, level / 2)) * error**0.5 / spread,
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
