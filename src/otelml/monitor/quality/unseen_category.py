"""Categories that the baseline never had.

Without drift their share is about that of the baseline's values seen just once (Good, 1953).
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Measures
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.categories import Categories


def measure(pairs: Comparison) -> Measures:
    """Shares of values in unseen categories; unknown where the baseline's names overflowed."""
    unseen = np.array([_unseen(*pair) for pair in zip(*pairs.sides, strict=True)])
    once = np.array([1 + sum(n == 1 for n in s.counts.values()) for s in pairs.references])
    before, now = pairs.counts
    chance = np.where(unseen > 0, special.pdtrc(unseen - 1, now * once / before), 1.0)
    complete = np.array([not reference.other for reference in pairs.references])
    share = unseen / now
    return Measures(share, share, chance, None, 0 * share, complete & (before > 0) & (now > 0))


def _unseen(reference: Categories, current: Categories) -> int:
    return sum(n for name, n in current.counts.items() if name not in reference.counts)


CHECK = quality_check("unseen_category", 0.005, 0.02, measure, categories_only=True)
