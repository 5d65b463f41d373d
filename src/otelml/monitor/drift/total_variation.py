"""Total variation distance, ½ Σ |p − q|, in [0, 1].

By Cauchy and Schwarz it is at most ½ √(χ² (1/n + 1/m)), which bounds what chance can do.
"""

import math

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, chi_squared_quantile


def measure(pair: Comparison) -> Measure:
    """The distance."""
    shares = pair.thirty
    value = float(np.abs(shares.reference - shares.current).sum()) / 2
    freedom = max(shares.freedom, 1)
    return Measure(
        value,
        value,
        float(special.chdtrc(freedom, 4 * value**2 / shares.noise)),
        lambda level: math.sqrt(chi_squared_quantile(freedom, level) * shares.noise) / 2,
    )


CHECK = Check("total_variation", "{score}", warn=0.1, alarm=0.2, measure=measure)
