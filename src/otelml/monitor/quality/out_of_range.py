"""Values outside the baseline's least and greatest value.

New records happen without drift: of n new values, k or more pass the extremes of m old ones with
probability about (1 + k (1 − r)) rᵏ, r = n / (n + m), whatever their law.
"""

from otelml.monitor.check import Measure
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.numeric import Numeric


def measure(pair: Comparison) -> Measure | None:
    """Share of the values whose whole bucket lies outside; None where extremes are unknown."""
    reference, current = pair.reference, pair.current
    if not isinstance(reference, Numeric) or not isinstance(current, Numeric):
        return None
    low, high = reference.minimum, reference.maximum
    if not low <= high or not current.count:
        return None
    outside = 0
    for histogram in [h for h in (current.body, current.tail) if h.count]:
        lower, upper, counts = histogram.bounds()
        outside += int(counts[: upper.searchsorted(low)].sum())
        beyond = max(lower.searchsorted(high), upper.searchsorted(high, "right"))
        outside += int(counts[beyond:].sum())
    ratio = current.count / (current.count + reference.count)
    chance = (1 + outside * (1 - ratio)) * ratio**outside
    share = outside / current.count
    return Measure(share, share, min(chance, 1.0), None, 0.0)


CHECK = quality_check("out_of_range", 0.005, 0.02, measure, numbers_only=True)
