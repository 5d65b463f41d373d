"""Two-sample Kolmogorov–Smirnov test: the greatest distance of the cumulative distributions.

The p-value is the asymptotic one, Kolmogorov's law at √(nm / (n + m)) D (Smirnov, 1948).
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison


def measure(pairs: Comparison) -> Measures:
    """D and its p-values."""
    gaps = np.abs(pairs.cdfs.reference - pairs.cdfs.current)
    distance = np.maximum.reduceat(gaps, pairs.cdfs.starts)
    scale = np.sqrt(pairs.noise)
    return Measures(
        distance,
        distance,
        special.kolmogorov(distance / scale),
        lambda level: special.kolmogi(level) * scale,
    )


CHECK = Check(
    "kolmogorov_smirnov",
    "{score}",
    warn=0.05,
    alarm=0.1,
    measure=measure,
    numbers_only=True,
    is_test=True,
)
