"""Kolmogorov–Smirnov distance of the scores of a class and of the rest: max |TPR − FPR|.

The upper end is that of a difference of two proportions where they are farthest apart. The maximum
is the luckiest of many and too large rather than too small: the lower end is Kolmogorov's bound of
the error anywhere.
"""

import math
from typing import Final

import numpy as np

from otelml.monitor.performance._curves import of_scores
from otelml.monitor.performance.check import Better
from otelml.monitor.performance.interval import Value, normal
from otelml.sketch.scores import Scores

_ANYWHERE: Final = 1.3580986393225505
"""What Kolmogorov's distribution passes with 5 %."""


def _distance(scores: Scores) -> Value | None:
    p, n = scores.weights
    if not p or not n:
        return None
    below = np.cumsum(scores.positive) / p, np.cumsum(scores.negative) / n
    farthest = int(np.argmax(np.abs(below[0] - below[1])))
    one, other = float(below[0][farthest]), float(below[1][farthest])
    rows = scores.sizes
    variance = one * (1 - one) / rows[0] + other * (1 - other) / rows[1]
    found = normal(abs(one - other), variance, 0.0, 1.0)
    return found._replace(
        low=max(found.value - _ANYWHERE * math.sqrt(1 / rows[0] + 1 / rows[1]), 0.0)
    )


METRIC = of_scores("score_ks", Better.HIGHER, _distance)
