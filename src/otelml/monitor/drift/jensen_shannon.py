"""Jensen–Shannon distance, base 2, in [0, 1] (Lin, 1991; Endres & Schindelin, 2003).

Without drift its square is about χ²(k − 1) (1/n + 1/m) / (8 ln 2).
"""

import math

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison, chi_squared_quantiles


def measure(pairs: Comparison) -> Measures:
    """The distances."""
    shares = pairs.thirty
    p, q = shares.reference, shares.current
    middle = (p + q) / 2
    nats = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum(axis=1) / 2
    nats = shares.unveiled(np.maximum(nats, 0.0))
    value, scale, freedom = np.sqrt(nats / math.log(2)), shares.noise / 8, shares.freedom
    return Measures(
        value,
        value,
        special.chdtrc(np.maximum(freedom, 1), nats / scale),
        lambda level: np.sqrt(chi_squared_quantiles(freedom, level) * scale / math.log(2)),
    )


CHECK = Check("jensen_shannon", "{score}", warn=0.1, alarm=0.2, measure=measure)
