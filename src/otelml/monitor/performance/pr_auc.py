"""Area under the precision-recall curve: average precision, Σ (Rᵢ − Rᵢ₋₁) Pᵢ.

Inside a bin of many scores the rows of the class are taken to be spread evenly. The interval is
symmetric in log odds, with the binomial variance of the rows of the class (Boyd, Eng & Page, 2013).
"""

import math

import numpy as np

from otelml.monitor.performance._curves import of_scores
from otelml.monitor.performance.check import Better
from otelml.monitor.performance.interval import Value, Z, wilson
from otelml.sketch.scores import Scores


def _average_precision(scores: Scores) -> Value | None:
    p, n = scores.weights
    if not p:
        return None
    positive, negative = scores.positive[::-1], scores.negative[::-1]
    both = positive + negative
    part = np.ones(both.shape)  # precision is read at the end of a bin that is a single score
    if scores.bins.level:
        each = sum(scores.squares) / (p + n)
        part = (1 + np.minimum(each / both, 1.0)) / 2
    hits = np.cumsum(positive) - positive * (1 - part)
    seen = np.cumsum(both) - both * (1 - part)
    value = min(float(positive @ (hits / seen)) / p, 1.0)
    rows = scores.sizes[0]
    if value >= 1:
        return wilson(1.0, rows)
    odds, half = math.log(value / (1 - value)), Z / math.sqrt(rows * value * (1 - value))
    return Value(value, _share(odds - half), _share(odds + half))


def _share(log_odds: float) -> float:
    """The probability of some log odds, however far out."""
    return (1 + math.tanh(log_odds / 2)) / 2


METRIC = of_scores("pr_auc", Better.HIGHER, _average_precision)
