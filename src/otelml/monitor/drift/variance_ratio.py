"""Ratio of the variances, window to baseline; the effect is its binary logarithm.

The sampling error of a variance goes with the kurtosis, which is taken from the histogram, so
that heavy tails do not pass for drift (Layard, 1973).
"""

import math

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, normal_quantile, normal_tail


def measure(pair: Comparison) -> Measure | None:
    """The ratio; None where either side does not vary."""
    reference, current = pair.pair
    if not (0 < reference.variance < math.inf and 0 < current.variance < math.inf):
        return None
    ratio = current.variance / reference.variance
    kurtosis = max(reference.kurtosis, current.kurtosis)
    error = math.sqrt(max(kurtosis - 1, 0.1) * pair.noise)
    return Measure(
        ratio,
        abs(math.log2(ratio)),
        normal_tail(math.log(ratio) / error),
        lambda level: -normal_quantile(level / 2) * error / math.log(2),
        reference.variance,
    )


CHECK = Check("variance_ratio", "{score}", warn=1.0, alarm=2.0, measure=measure, numbers_only=True)
