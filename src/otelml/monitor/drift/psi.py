"""Population stability index, Σ (q − p) ln(q / p) over ten bins (Siddiqi, Credit Risk Scorecards).

Both sides are smoothed alike: (count + ½) / (n + k/2). Without drift it is about χ²(k − 1) times
1/n + 1/m; its mean under no drift is taken off the effect.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison, chi_squared_quantiles


def measure(pairs: Comparison) -> Measures:
    """The index, and what of it chance does not explain."""
    shares = pairs.ten
    cells = (shares.freedom + 1)[:, None]
    p, q = (
        np.where(shares.filled, (counts + 0.5) / (totals[:, None] + 0.5 * cells), 1.0)
        for counts, totals in zip(shares.counts, shares.totals, strict=True)
    )
    value = ((q - p) * np.log(q / p)).sum(axis=1)
    freedom, noise = shares.freedom, shares.noise
    bias = freedom * noise
    return Measures(
        value,
        np.maximum(value - bias, 0.0),
        np.where(freedom > 0, special.chdtrc(freedom, value / noise), 1.0),
        lambda level: chi_squared_quantiles(freedom, level) * noise - bias,
    )


CHECK = Check("psi", "{score}", warn=0.1, alarm=0.25, measure=measure)
