"""Hellinger distance, √(1 − Σ √(p q)), in [0, 1].

Without drift its square is about χ²(k − 1) (1/n + 1/m) / 8.
"""

import math

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, chi_squared_quantile


def measure(pair: Comparison) -> Measure:
    """The distance."""
    shares = pair.thirty
    gaps = np.sqrt(shares.reference) - np.sqrt(shares.current)
    squared = float(gaps @ gaps) / 2
    scale = shares.noise / 8
    freedom = max(shares.freedom, 1)
    return Measure(
        squared**0.5,
        squared**0.5,
        float(special.chdtrc(freedom, squared / scale)),
        lambda level: math.sqrt(chi_squared_quantile(freedom, level) * scale),
    )


CHECK = Check("hellinger", "{score}", warn=0.1, alarm=0.2, measure=measure)
