"""Jensen–Shannon distance, base 2, in [0, 1] (Lin, 1991; Endres & Schindelin, 2003).

Without drift its square is about χ²(k − 1) (1/n + 1/m) / (8 ln 2).
"""

import math

from scipy import special

from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison, chi_squared_quantile


def measure(pair: Comparison) -> Measure:
    """The distance."""
    shares = pair.thirty
    p, q = shares.reference, shares.current
    middle = (p + q) / 2
    nats = float((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum()) / 2
    value = math.sqrt(max(nats / math.log(2), 0.0))
    scale = shares.noise / 8
    freedom = max(shares.freedom, 1)
    return Measure(
        value,
        value,
        float(special.chdtrc(freedom, max(nats, 0.0) / scale)),
        lambda level: math.sqrt(chi_squared_quantile(freedom, level) * scale / math.log(2)),
    )


CHECK = Check("jensen_shannon", "{score}", warn=0.1, alarm=0.2, measure=measure)
