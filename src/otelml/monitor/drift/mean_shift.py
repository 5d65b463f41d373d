"""Shift of the mean, in standard deviations of the baseline; tested by Welch's t (Welch, 1947)."""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison


def measure(pairs: Comparison) -> Measures:
    """Welch's t and its p-values; unknown where neither side varies, or one has a single value."""
    spare = pairs.counts - 1
    errors = pairs.variances / spare
    error = errors.sum(axis=0)
    before, now = pairs.means
    shift, spread = now - before, pairs.spreads
    t = shift / np.sqrt(error)
    freedom = 1 / ((errors / error) ** 2 / spare).sum(axis=0)
    return Measures(
        t,
        np.abs(shift) / spread,
        2 * special.stdtr(freedom, -np.abs(t)),
        lambda level: -special.stdtrit(freedom, level / 2) * np.sqrt(error) / spread,
        before,
        (spare.min(axis=0) > 0) & (error > 0) & (error < np.inf) & (spread > 0),
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
