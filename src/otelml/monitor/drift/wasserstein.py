"""Wasserstein distance of order 1, ∫ |F − G|, in standard deviations of the baseline.

Without drift √(1/n + 1/m) |B(F)| is integrated, B a Brownian bridge: its mean is √(2/π) times
√(1/n + 1/m) ∫ √(F (1 − F)); three quarters of that integral bound its standard deviation.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, normal_quantile


def measure(pair: Comparison) -> Measure | None:
    """The distance; None where the baseline does not vary."""
    if not pair.spread > 0:
        return None
    edges = pair.cdfs.edges
    widths = (edges[1:] - edges[:-1]) / pair.spread
    gap = np.abs(pair.cdfs.reference - pair.cdfs.current)
    value = float(widths @ (gap[1:] + gap[:-1])) / 2
    share = (pair.cdfs.reference + pair.cdfs.current) / 2
    bridge = np.sqrt(np.maximum(share * (1 - share), 0.0))
    integral = float(widths @ (bridge[1:] + bridge[:-1])) / 2
    scale = integral * pair.noise**0.5
    if not 0 < scale < np.inf:
        return None
    mean = (2 / np.pi) ** 0.5
    return Measure(
        value,
        value,
        float(special.ndtr((mean - value / scale) / 0.75)),
        lambda level: scale * (mean - 0.75 * normal_quantile(level)),
    )


CHECK = Check("wasserstein", "{score}", warn=0.1, alarm=0.25, measure=measure, numbers_only=True)
