"""Two groups' shares: whether they differ, and intervals of their difference and ratio.

The test is the pooled normal one, or, where few rows are expected in a cell, Fisher's exact one.
The interval of a difference is Newcombe's hybrid score interval ("Interval Estimation for the
Difference Between Independent Proportions", 1998, method 10), that of a ratio is taken on its
logarithm (Katz et al., 1978).
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from otelml.monitor.normal import normal_quantile, normal_tail
from otelml.monitor.performance.interval import wilson
from otelml.sketch.array import Floats

_FEWEST: Final = 20.0
"""Rows expected in a cell below which the normal law is not trusted."""


class Arm(NamedTuple):
    """What was seen of one group: its rate, the rows it is of, and the variance of one row."""

    group: str
    value: float
    rows: float
    variance: float


def shares_differ(one: Arm, other: Arm) -> float:
    """Two-sided p-value of the equality of two shares."""
    counts = [round(arm.value * arm.rows) for arm in (one, other)]
    sizes = [round(arm.rows) for arm in (one, other)]
    pooled = (one.value * one.rows + other.value * other.rows) / (one.rows + other.rows)
    if min(sizes) * min(pooled, 1 - pooled) < _FEWEST:
        return _fisher(counts[0], sizes[0], counts[1], sizes[1])
    error = (pooled * (1 - pooled) * (1 / one.rows + 1 / other.rows)) ** 0.5
    return normal_tail((one.value - other.value) / error)


def _fisher(hits: int, rows: int, other_hits: int, other_rows: int) -> float:
    """Fisher's exact test; the p-value is twice the smaller tail's."""
    total = hits + other_hits
    support = np.arange(max(0, total - other_rows), min(rows, total) + 1)
    logs = _choose(rows, support) + _choose(other_rows, total - support)
    chances = np.exp(logs - logs.max())
    tails = chances[support <= hits].sum(), chances[support >= hits].sum()
    return min(2 * float(min(tails) / chances.sum()), 1.0)


def _choose(n: int, k: npt.NDArray[Any]) -> Floats:
    """Logarithm of n over k."""
    logs: Floats = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return logs


def newcombe(one: Arm, other: Arm, level: float) -> tuple[float, float]:
    """Interval of one share less the other.

    >>> one, other = Arm("", 56 / 70, 70, 0.16), Arm("", 48 / 80, 80, 0.24)
    >>> [round(bound, 4) for bound in newcombe(one, other, 0.05)]
    [0.0524, 0.3339]
    """
    z = -normal_quantile(level / 2)
    _, low, high = wilson(one.value, one.rows, z)
    _, other_low, other_high = wilson(other.value, other.rows, z)
    gap = one.value - other.value
    return (
        gap - math.hypot(one.value - low, other_high - other.value),
        gap + math.hypot(high - one.value, other.value - other_low),
    )


def katz(one: Arm, other: Arm, level: float) -> tuple[float, float] | None:
    """Interval of one share by the other; None if one is 0."""
    if not (one.value > 0 and other.value > 0):
        return None
    error = sum((1 - arm.value) / (arm.rows * arm.value) for arm in (one, other)) ** 0.5
    factor = math.exp(-normal_quantile(level / 2) * error)
    ratio = one.value / other.value
    return ratio / factor, ratio * factor
