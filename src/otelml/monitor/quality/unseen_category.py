"""Categories that the baseline never had.

Without drift their share is about that of the baseline's values seen just once (Good, 1953), with
a variance that those seen twice add to.
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
    once, twice = np.array([_rare(reference) for reference in pairs.references]).T
    before, now = pairs.counts
    # Counts of a law whose mean is itself drawn, from a gamma of shape `sure`.
    expected, sure = now * once / before, once * once / (once + 2 * twice)
    chance = np.where(unseen > 0, special.betainc(unseen, sure, expected / (sure + expected)), 1.0)
    complete = np.array([not reference.other for reference in pairs.references])
    share = unseen / now
    return Measures(share, share, chance, None, 0 * share, complete & (before > 0) & (now > 0))


def _unseen(reference: Categories, current: Categories) -> int:
    return sum(n for name, n in current.counts.items() if name not in reference.counts)


def _rare(reference: Categories) -> tuple[int, int]:
    """How many categories were seen once, and one more that may be; and how many twice."""
    counts = [*reference.counts.values()]
    return 1 + counts.count(1), counts.count(2)


CHECK = quality_check("unseen_category", 0.005, 0.02, measure, categories_only=True)
