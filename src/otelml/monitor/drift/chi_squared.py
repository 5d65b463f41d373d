"""Chi-squared test of homogeneity on the counts of both samples (Pearson, 1900).

The effect is Cramér's V at equal sample sizes, ½ √(χ² (1/n + 1/m)): it does not shrink because
the baseline is larger than the window.
"""

from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, chi_squared_quantile


def measure(pair: Comparison) -> Measure | None:
    """χ² and its p-value; None where all is in one cell."""
    shares = pair.thirty
    if not shares.freedom:
        return None
    value = shares.chi_squared
    return Measure(
        value,
        (value * shares.noise) ** 0.5 / 2,
        float(special.chdtrc(shares.freedom, value)),
        lambda level: (chi_squared_quantile(shares.freedom, level) * shares.noise) ** 0.5 / 2,
    )


CHECK = Check("chi_squared", "{score}", warn=0.05, alarm=0.1, measure=measure, is_test=True)
