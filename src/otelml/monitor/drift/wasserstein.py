"""Wasserstein distance of order 1, ∫ |F − G|, in standard deviations of the baseline.

Without drift √(1/n + 1/m) |B(F)| is integrated, B a Brownian bridge: its mean is √(2/π) times
√(1/n + 1/m) ∫ √(F (1 − F)); three quarters of that integral bound its standard deviation.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison
from otelml.sketch.align import Cdfs
from otelml.sketch.array import Floats


def measure(pairs: Comparison) -> Measures:
    """The distances; unknown where the baseline does not vary."""
    cdfs = pairs.cdfs
    value = _area(cdfs, np.abs(cdfs.reference - cdfs.current)) / pairs.spreads
    share = (cdfs.reference + cdfs.current) / 2
    bridge = np.sqrt(np.maximum(share * (1 - share), 0.0))
    scale = _area(cdfs, bridge) / pairs.spreads * np.sqrt(pairs.noise)
    mean = (2 / np.pi) ** 0.5
    return Measures(
        value,
        value,
        special.ndtr((mean - value / scale) / 0.75),
        lambda level: scale * (mean - 0.75 * special.ndtri(level)),
        known=(pairs.spreads > 0) & (scale > 0) & (scale < np.inf),
    )


def _area(cdfs: Cdfs, heights: Floats) -> Floats:
    """Areas under heights at the edges, linear between them, a pair."""
    areas = np.zeros(len(heights))
    areas[:-1] = np.diff(cdfs.edges) * (heights[1:] / 2 + heights[:-1] / 2)
    areas[cdfs.starts[1:] - 1] = 0.0  # from the last edge of a pair to the next pair
    total: Floats = np.add.reduceat(areas, cdfs.starts)
    return total


CHECK = Check("wasserstein", "{score}", warn=0.1, alarm=0.25, measure=measure, numbers_only=True)
