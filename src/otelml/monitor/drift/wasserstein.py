"""Wasserstein distance of order 1, ∫ |F − G|, in standard deviations of the baseline.

Without drift √(1/n + 1/m) |B(F)| is integrated, B a Brownian bridge: its mean is √(2/π) times
√(1/n + 1/m) ∫ √(F (1 − F)); three quarters of that integral bound its standard deviation.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison
from otelml.sketch.array import Floats


def measure(pairs: Comparison) -> Measures:
    """The distances; unknown where the baseline does not vary."""
    edges, before, now = pairs.cdfs
    widths = (edges[:, 1:] - edges[:, :-1]) / pairs.spreads[:, None]
    value = _area(widths, np.abs(before - now))
    share = (before + now) / 2
    bridge = np.sqrt(np.maximum(share * (1 - share), 0.0))
    scale = _area(widths, bridge) * np.sqrt(pairs.noise)
    mean = (2 / np.pi) ** 0.5
    return Measures(
        value,
        value,
        special.ndtr((mean - value / scale) / 0.75),
        lambda level: scale * (mean - 0.75 * special.ndtri(level)),
        known=(pairs.spreads > 0) & (scale > 0) & (scale < np.inf),
    )


def _area(widths: Floats, heights: Floats) -> Floats:
    area: Floats = (widths * (heights[:, 1:] + heights[:, :-1])).sum(axis=1) / 2
    return area


CHECK = Check("wasserstein", "{score}", warn=0.1, alarm=0.25, measure=measure, numbers_only=True)
