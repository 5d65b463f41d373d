"""Shift of the median, in interquartile ranges of the baseline.

It is beyond chance if the window's median stands at a share of the baseline far from one half; a
share inside the bucket or repeated value where the median lies counts as one half.
"""

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, normal_quantile, normal_tail
from otelml.sketch.distribution import Distribution


def measure(pair: Comparison) -> Measure | None:
    """The shift; None where the baseline's middle half does not vary."""
    reference, current = pair.pair
    low, median, high = reference.quartiles
    if not high > low:
        return None
    now = current.quartiles[1]
    edges, below = reference.cumulative()
    cell = min(max(int(edges.searchsorted(now)), 1), len(edges) - 1)
    under, over = below[cell - 1] / reference.count, below[cell] / reference.count
    gap = max(under - 0.5, 0.5 - over, 0.0)
    error = 0.5 * pair.noise**0.5
    return Measure(
        (now - median) / (high - low),
        abs(now - median) / (high - low),
        normal_tail(gap / error),
        lambda level: _null(reference, error, level, median, high - low),
        median,
    )


def _null(
    reference: Distribution, error: float, level: float, median: float, width: float
) -> float:
    reach = min(0.5, -normal_quantile(level / 2) * error)
    low, high = reference.quantile([0.5 - reach, 0.5 + reach]).tolist()
    return float(max(abs(low - median), abs(high - median))) / width


CHECK = Check("median_shift", "{score}", warn=0.25, alarm=0.5, measure=measure, numbers_only=True)
