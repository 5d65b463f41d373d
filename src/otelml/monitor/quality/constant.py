"""One value throughout the window where the baseline had several."""

import math

import numpy as np

from otelml.data import Sketch
from otelml.monitor.check import Measures
from otelml.monitor.comparison import Comparison
from otelml.monitor.quality._share import quality_check
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric


def measure(pairs: Comparison) -> Measures:
    """1 for windows that are constant, else 0; unknown where the baseline was constant too."""
    before, now = np.array([[_is_constant(s) for s in side] for side in pairs.sides])
    chance = np.ones(len(now))
    for place in ((before == 0) & (now == 1)).nonzero()[0].tolist():
        chance[place] = _greatest_share(pairs.references[place]) ** pairs.counts[1, place]
    return Measures(now, now, chance, known=(before == 0) & (now >= 0))


def _is_constant(sketch: Sketch) -> float:
    """1 if all values are the same, 0 if not; NaN of nothing, and of what is not a column's."""
    if isinstance(sketch, Categories) and sketch.count:
        return float(max(sketch.counts.values(), default=0) == sketch.count)
    if isinstance(sketch, Numeric) and sketch.count:
        return float(sketch.moments.count == sketch.count and sketch.variance == 0)
    return math.nan


def _greatest_share(sketch: Sketch) -> float:
    """Share of the commonest value, as far as a sketch tells values apart."""
    if isinstance(sketch, Categories):
        return max(sketch.counts.values(), default=0) / sketch.count
    assert isinstance(sketch, Numeric)
    (_, _, counts), (_, _, far) = sketch.buckets(), sketch.tail.bounds()
    return min(float(max(counts.max(initial=0), far.max(initial=0))) / sketch.count, 1 - 1e-12)


CHECK = quality_check("constant", None, 1.0, measure)
