"""Chi-squared test of homogeneity on the counts of both samples (Pearson, 1900).

The effect is Cramér's V at equal sample sizes, ½ √(χ² (1/n + 1/m)): it does not shrink because
the baseline is larger than the window.
"""

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison, chi_squared_quantiles


def measure(pairs: Comparison) -> Measures:
    """χ² and its p-values; unknown where all is in one cell."""
    shares = pairs.thirty
    value, freedom = shares.chi_squared, shares.freedom
    return Measures(
        value,
        np.sqrt(value * shares.noise) / 2,
        special.chdtrc(freedom, value),
        lambda level: np.sqrt(chi_squared_quantiles(freedom, level) * shares.noise) / 2,
        known=freedom > 0,
    )


CHECK = Check("chi_squared", "{score}", warn=0.05, alarm=0.1, measure=measure, is_test=True)
