"""Population stability index, Σ (q − p) ln(q / p) over ten bins (Siddiqi, Credit Risk Scorecards).

Both sides are smoothed alike: (count + ½) / (n + k/2). Without drift it is about χ²(k − 1) times
1/n + 1/m; its mean under no drift is taken off the effect.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, chi_squared_quantile


def measure(pair: Comparison) -> Measure:
    """The index, and what of it chance does not explain."""
    shares = pair.ten
    k = shares.freedom + 1
    n, m = shares.totals
    p = (shares.counts.reference + 0.5) / (n + 0.5 * k)
    q = (shares.counts.current + 0.5) / (m + 0.5 * k)
    value = float((q - p) @ np.log(q / p))
    bias = shares.freedom * shares.noise
    return Measure(
        value,
        max(value - bias, 0.0),
        float(special.chdtrc(shares.freedom, value / shares.noise)) if shares.freedom else 1.0,
        lambda level: chi_squared_quantile(max(shares.freedom, 1), level) * shares.noise - bias,
    )


CHECK = Check("psi", "{score}", warn=0.1, alarm=0.25, measure=measure)
