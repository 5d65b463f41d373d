"""Total variation distance, ½ Σ |p − q|, in [0, 1].

By Cauchy and Schwarz it is at most ½ √(χ² (1/n + 1/m)), which bounds what chance can do.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison, chi_squared_quantiles


def measure(pairs: Comparison) -> Measures:
    """The distances."""
    shares = pairs.thirty
    value = np.abs(shares.reference - shares.current).sum(axis=1) / 2
    freedom, noise = shares.freedom, shares.noise
    return Measures(
        value,
        value,
        special.chdtrc(np.maximum(freedom, 1), 4 * value**2 / noise),
        lambda level: np.sqrt(chi_squared_quantiles(freedom, level) * noise) / 2,
    )


CHECK = Check("total_variation", "{score}", warn=0.1, alarm=0.2, measure=measure)
