"""Shift of the median, in interquartile ranges of the baseline.

It is beyond chance if the window's median stands at a share of the baseline far from one half; a
share inside the buckets where it may lie counts as one half.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison
from otelml.sketch.array import Floats
from otelml.sketch.distribution import Distribution


def measure(pairs: Comparison) -> Measures:
    """The shifts; unknown where the baseline's middle half is in one bucket: it may not vary."""
    low, median, high = np.array([reference.quartiles for reference in pairs.references]).T
    now = np.array([current.quartiles[1] for current in pairs.currents])
    width = high - low
    found = zip(pairs.references, pairs.currents, now.tolist(), strict=True)
    under, over = np.array([_around(*one) for one in found]).T
    ends = zip(pairs.references, low.tolist(), high.tolist(), strict=True)
    varies = np.array([_cell(one, q1) != _cell(one, q3) for one, q1, q3 in ends])
    gap = np.maximum(np.maximum(under - 0.5, 0.5 - over), 0.0)
    error = np.sqrt(pairs.noise) / 2
    shift = (now - median) / width

    def null(level: float) -> Floats:
        reach = np.minimum(0.5, -special.ndtri(level / 2) * error).tolist()
        ends = [
            reference.quantile([0.5 - r, 0.5 + r])
            for reference, r in zip(pairs.references, reach, strict=True)
        ]
        furthest: Floats = np.abs(np.array(ends) - median[:, None]).max(axis=1) / width
        return furthest

    p_value = 2 * special.ndtr(-gap / error)
    return Measures(shift, np.abs(shift), p_value, null, median, varies & (width > 0))


def _cell(sketch: Distribution, value: float) -> int:
    """Which bucket of a sketch a value lies in, by the number of its upper edge."""
    edges, _ = sketch.lines()
    return min(max(int(edges.searchsorted(value)), 1), len(edges) - 1)


def _around(reference: Distribution, current: Distribution, value: float) -> tuple[float, float]:
    """Shares of the reference below and up to the ends of where the current's value may lie."""
    edges, _ = current.lines()
    cell = _cell(current, value)
    _, below = reference.lines()
    first, last = (_cell(reference, float(edge)) for edge in edges[cell - 1 : cell + 1])
    return below[first - 1] / reference.count, below[last] / reference.count


CHECK = Check("median_shift", "{score}", warn=0.25, alarm=0.5, measure=measure, numbers_only=True)
