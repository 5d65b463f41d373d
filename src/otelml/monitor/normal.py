"""The normal law: what tests and intervals of numbers ask of it."""

from functools import lru_cache

from scipy import special


@lru_cache(maxsize=1024)
def normal_quantile(level: float) -> float:
    """What a standard normal deviation is below with that probability."""
    return float(special.ndtri(level))


def normal_tail(deviation: float) -> float:
    """Two-sided p-value of a standard normal deviation.

    >>> round(normal_tail(1.96), 3)
    0.05
    """
    return float(2 * special.ndtr(-abs(deviation)))
