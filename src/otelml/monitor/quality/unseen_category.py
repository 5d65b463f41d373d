"""Categories that the baseline never had.

Without drift their share is about that of the baseline's values seen just once (Good, 1953).
"""

from scipy import special

from otelml.monitor.check import Measure
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.categories import Categories


def measure(pair: Comparison) -> Measure | None:
    """Share of values in unseen categories; None where the baseline's names overflowed."""
    reference, current = pair.reference, pair.current
    if not isinstance(reference, Categories) or not isinstance(current, Categories):
        return None
    if reference.other or not reference.count or not current.count:
        return None
    unseen = sum(n for name, n in current.counts.items() if name not in reference.counts)
    once = 1 + sum(n == 1 for n in reference.counts.values())
    expected = current.count * once / reference.count
    chance = float(special.pdtrc(unseen - 1, expected)) if unseen else 1.0
    share = unseen / current.count
    return Measure(share, share, chance, None, 0.0)


CHECK = quality_check("unseen_category", 0.005, 0.02, measure, categories_only=True)
