"""Values outside the baseline's least and greatest value.

New records happen without drift: of n new values, k or more pass the extremes of m old ones with
probability about (1 + k (1 − r)) rᵏ, r = n / (n + m), whatever their law.
"""

import math

import numpy as np

from otelml.data import Sketch
from otelml.monitor.check import Measures
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.numeric import Numeric


def measure(pairs: Comparison) -> Measures:
    """Shares of the values whose whole bucket lies outside; unknown where extremes are."""
    outside = np.array([_outside(*pair) for pair in zip(*pairs.sides, strict=True)])
    before, now = pairs.counts
    ratio = now / (now + before)
    chance = (1 + outside * (1 - ratio)) * ratio**outside
    share = outside / now
    return Measures(share, share, np.minimum(chance, 1.0), None, 0 * share, outside >= 0)


def _outside(reference: Sketch, current: Sketch) -> float:
    """How many values are surely outside the other's; NaN if unknown."""
    if not isinstance(reference, Numeric) or not isinstance(current, Numeric):
        return math.nan
    low, high = reference.minimum, reference.maximum
    if not low <= high or not current.count:
        return math.nan
    if low <= current.minimum and current.maximum <= high:
        return 0.0
    outside = 0
    for histogram in [h for h in (current.body, current.tail) if h.count]:
        lower, upper, counts = histogram.bounds()
        # Above the origin the upper bound is inside of a bucket, below it the lower one.
        mirrored = lower < histogram.origin
        under = np.where(mirrored, (lower < low) & (upper <= low), upper < low)
        over = np.where(mirrored, lower > high, (lower >= high) & (upper > high))
        outside += int(counts[under | over].sum())
    return float(outside)


CHECK = quality_check("out_of_range", 0.005, 0.02, measure, numbers_only=True)
