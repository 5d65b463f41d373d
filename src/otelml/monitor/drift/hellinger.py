"""Hellinger distance, √(1 − Σ √(p q)), in [0, 1].

Without drift its square is about χ²(k − 1) (1/n + 1/m) / 8.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison, chi_squared_quantiles


def measure(pairs: Comparison) -> Measures:
    """The distances."""
    shares = pairs.thirty
    gaps = np.sqrt(shares.reference) - np.sqrt(shares.current)
    squared = shares.unveiled((gaps * gaps).sum(axis=1) / 2)
    value, scale, freedom = np.sqrt(squared), shares.noise / 8, shares.freedom
    return Measures(
        value,
        value,
        special.chdtrc(np.maximum(freedom, 1), squared / scale),
        lambda level: np.sqrt(chi_squared_quantiles(freedom, level) * scale),
    )


CHECK = Check("hellinger", "{score}", warn=0.1, alarm=0.2, measure=measure)
