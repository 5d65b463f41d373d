"""Ratio of the variances, window to baseline; the effect is its binary logarithm.

The sampling error of a variance goes with the kurtosis, which is taken from the histogram, so
that heavy tails do not pass for drift (Layard, 1973).
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison


def measure(pairs: Comparison) -> Measures:
    """The ratios; unknown where either side does not vary."""
    before, now = pairs.variances
    ratio = now / before
    kurtosis = pairs.of("kurtosis").max(axis=0)
    error = np.sqrt(np.maximum(kurtosis - 1, 0.1) * pairs.noise)
    return Measures(
        ratio,
        np.abs(np.log2(ratio)),
        2 * special.ndtr(-np.abs(np.log(ratio)) / error),
        lambda level: -special.ndtri(level / 2) * error / np.log(2),
        before,
        (np.minimum(before, now) > 0) & (np.maximum(before, now) < np.inf),
    )


CHECK = Check("variance_ratio", "{score}", warn=1.0, alarm=2.0, measure=measure, numbers_only=True)
