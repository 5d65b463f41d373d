"""Area under the ROC curve: the chance that a row of the class scores above another one.

Scores of one bin count half. The variance is that of DeLong, DeLong & Clarke-Pearson (1988), from
the bins; where no pair is out of order it is 0, and Wilson's interval of the fewer rows stands in.
"""

import numpy as np

from otelml.monitor.performance._curves import of_scores
from otelml.monitor.performance.check import Better
from otelml.monitor.performance.interval import Value, normal, wilson
from otelml.sketch.scores import Scores


def area(scores: Scores) -> Value | None:
    """The area with its interval; of one kind of rows only it is not defined."""
    p, n = scores.weights
    if not p or not n:
        return None
    below = (np.cumsum(scores.negative) - scores.negative / 2) / n
    above = (np.cumsum(scores.positive[::-1])[::-1] - scores.positive / 2) / p
    value = float(scores.positive @ below) / p
    spread_p = float(scores.positive @ (below - value) ** 2) / p
    spread_n = float(scores.negative @ (above - value) ** 2) / n
    rows = scores.sizes
    if not spread_p + spread_n:
        return wilson(min(max(value, 0.0), 1.0), min(rows))
    if min(rows) <= 1:
        return Value(value, 0.0, 1.0)
    variance = spread_p / (rows[0] - 1) + spread_n / (rows[1] - 1)
    return normal(value, variance, 0.0, 1.0)


METRIC = of_scores("roc_auc", Better.HIGHER, area)
