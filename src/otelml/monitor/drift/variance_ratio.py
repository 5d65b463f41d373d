"""Ratio of the variances, window to baseline; the effect is its binary logarithm.

The sampling error of a variance goes with the kurtosis, which is taken from the histogram, so
that heavy tails do not pass for drift (Layard, 1973).
"""

import math

import numpy as np

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, normal_quantile, normal_tail
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability


def measure(pair: Comparison) -> Measure | None:
    """The ratio; None where either side does not vary."""
    reference, current = pair.pair
    if not (0 < reference.variance < np.inf and 0 < current.variance < np.inf):
        return None
    ratio = current.variance / reference.variance
    kurtosis = max(_kurtosis(reference), _kurtosis(current))
    error = math.sqrt(max(kurtosis - 1, 0.1) * pair.noise)
    return Measure(
        ratio,
        abs(math.log2(ratio)),
        normal_tail(math.log(ratio) / error),
        lambda level: -normal_quantile(level / 2) * error / math.log(2),
        reference.variance,
    )


def _kurtosis(sketch: Numeric | Probability) -> float:
    """Fourth standardised moment, every value at the middle of its bucket."""
    edges, below = sketch.cumulative()
    z = (edges[1:] / 2 + edges[:-1] / 2 - sketch.mean) / math.sqrt(sketch.variance)
    return float((np.diff(below) * np.clip(z, -1e70, 1e70) ** 4).sum()) / sketch.count


CHECK = Check("variance_ratio", "{score}", warn=1.0, alarm=2.0, measure=measure, numbers_only=True)
