"""One value throughout the window where the baseline had several."""

from otelml.data import Sketch
from otelml.monitor.check import Measure
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric


def measure(pair: Comparison) -> Measure | None:
    """1 for a window that is constant, else 0; None where the baseline was constant too."""
    before, now = _is_constant(pair.reference), _is_constant(pair.current)
    if before or None in (before, now):
        return None
    if not now:
        return Measure(0.0, 0.0, 1.0)
    return Measure(1.0, 1.0, _greatest_share(pair.reference) ** pair.counts[1])


def _is_constant(sketch: Sketch) -> bool | None:
    """Whether all values are the same; None of nothing, and of what is not a column's."""
    if isinstance(sketch, Categories) and sketch.count:
        return max(sketch.counts.values(), default=0) == sketch.count
    if isinstance(sketch, Numeric) and sketch.count:
        return sketch.moments.count == sketch.count and sketch.variance == 0
    return None


def _greatest_share(sketch: Sketch) -> float:
    """Share of the commonest value, as far as a sketch tells values apart."""
    if isinstance(sketch, Categories):
        return max(sketch.counts.values(), default=0) / sketch.count
    assert isinstance(sketch, Numeric)
    _, _, counts = sketch.buckets()
    return min(float(counts.max(initial=0)) / sketch.count, 1 - 1e-12)


CHECK = quality_check("constant", None, 1.0, measure)
