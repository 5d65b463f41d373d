"""A measure's value with its confidence interval, at 95 %."""

import math
from typing import Final, NamedTuple

from otelml.sketch.weighted import Weighted

Z: Final = 1.959963984540054
"""Standard normal deviation that 5 % pass, both ends together."""


class Value(NamedTuple):
    """What a measure is, and between which bounds the truth of it lies in 95 of 100 windows."""

    value: float
    low: float
    high: float


def wilson(share: float, rows: float, z: float = Z) -> Value:
    """A proportion of so many rows (Wilson, 1927), `z` deviations to either side.

    >>> wilson(0.5, 100)
    Value(value=0.5, low=0.40, high=0.60)
    """
    scale = 1 + z * z / rows
    middle = (share + z * z / (2 * rows)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return Value(share, min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))


def normal(
    value: float, variance: float, least: float = -math.inf, most: float = math.inf
) -> Value:
    """A value with a normal error of this variance, between its bounds."""
    half = Z * math.sqrt(max(variance, 0.0))
    return Value(value, max(value - half, least), min(value + half, most))


def mean(moments: Weighted, least: float = -math.inf) -> Value | None:
    """A mean; one row has no interval but the whole line."""
    if not moments.weight:
        return None
    rows = moments.effective
    return normal(moments.mean, moments.variance / (rows - 1) if rows > 1 else math.inf, least)
