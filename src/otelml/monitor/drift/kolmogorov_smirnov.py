"""Two-sample Kolmogorov–Smirnov test: the greatest distance of the cumulative distributions.

The p-value is the asymptotic one, Kolmogorov's law at √(nm / (n + m)) D (Smirnov, 1948).
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison


def measure(pair: Comparison) -> Measure:
    """D and its p-value."""
    distance = float(np.abs(pair.cdfs.reference - pair.cdfs.current).max())
    scale = pair.noise**-0.5
    return Measure(
        distance,
        distance,
        float(special.kolmogorov(scale * distance)),
        lambda level: float(special.kolmogi(level)) / scale,
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
