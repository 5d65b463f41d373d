"""One value throughout the window where the baseline had several."""

from otelml.data import Sketch
from otelml.monitor.check import Measure
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric


def measure(pair: Comparison) -> Measure | None:
    """1 for a window that is constant, else 0; None where the baseline was constant too."""
    before, now = _greatest_share(pair.reference), _greatest_share(pair.current)
    if before is None or now is None or before == 1.0:
        return None
    constant = float(now == 1.0)
    return Measure(constant, constant, before ** _count(pair.current) if constant else 1.0)


def _greatest_share(sketch: Sketch) -> float | None:
    """Share of the commonest value; 1 only if it is the only one."""
    if isinstance(sketch, Categories) and sketch.count:
        return max([*sketch.counts.values(), 0]) / sketch.count
    if isinstance(sketch, Numeric) and sketch.count:
        if sketch.moments.count == sketch.count and sketch.variance == 0:
            return 1.0
        _, _, counts = sketch.body.bounds()
        return min(float(counts.max(initial=0)) / sketch.count, 1 - 1e-12)
    return None


def _count(sketch: Sketch) -> int:
    return sketch.count if isinstance(sketch, Categories | Numeric) else 0


CHECK = quality_check("constant", None, 1.0, measure)
