"""Where to take a histogram of narrow values far from zero (timestamps, ids) about."""

import math
from typing import Final

import numpy as np

from otelml.sketch.array import Floats

NARROW: Final = 1e-5
"""Spread, as a share of the distance from zero, below which an origin is worth having."""

ENOUGH: Final = 32
"""Values from which on their spread is taken at its word."""


def origin_for(finite: Floats) -> float:
    """Where to take a histogram about: 0, or near the median of narrow values far from zero.

    It is rounded to a power of two well above the spread, so that sketches of one feature that
    were made apart mostly agree. Few values say nothing of their spread: 0.

    >>> origin_for(1e9 + np.arange(100) / 100)
    1000000000.0
    >>> origin_for(np.arange(100.0))
    0.0
    """
    if finite.size < ENOUGH:
        return 0.0
    sample = np.sort(finite[:: max(1, finite.size // 256)])
    low, median, high = (float(sample[sample.size * k // 4]) for k in (1, 2, 3))
    spread = high / 2 - low / 2
    if not 0 < spread <= NARROW * abs(median):
        return 0.0
    granule = 2.0 ** math.ceil(math.log2(512 * spread))
    return round(median / granule) * granule
