"""Weighted mean and squared deviations, exact under merging, and how many rows they are worth.

Merged after Chan, Golub & LeVeque (1979) like `Moments`, with weights in place of counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats
from otelml.sketch.moments import HUGE


@dataclass(frozen=True, slots=True)
class Weighted:
    """Moments of values with weights; `squares` is the sum of the squared weights.

    The mean is kept as `pivot + shift`, so that it has digits to spare far from zero.

    >>> part = Weighted.of(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    >>> whole = part.merge(Weighted.of(np.array([5.25]), np.array([1.0])))
    >>> whole.mean, whole.weight
    (2.45, 5.0)
    """

    weight: float = 0.0
    squares: float = 0.0
    pivot: float = 0.0
    shift: float = 0.0
    m2: float = 0.0

    @classmethod
    def of(cls, values: Floats, weights: npt.NDArray[np.float64]) -> Self:
        """Moments of a 1-d array of finite values; those whose squares overflow are left out."""
        kept = (np.abs(values) <= HUGE) & (weights > 0)
        x, w = values[kept], weights[kept]
        if not x.size:
            return cls()
        total = float(w.sum())
        pivot = float(w @ x) / total
        deviations = x - pivot
        shift = float(w @ deviations) / total
        m2 = float(w @ (deviations * deviations)) - total * shift * shift
        return cls(total, float(w @ w), pivot, shift, max(m2, 0.0))

    def merge(self, other: Self) -> Self:
        """Moments of both sets of values together."""
        if not self.weight or not other.weight:
            return self if self.weight else other
        weight = self.weight + other.weight
        delta = (other.pivot - self.pivot) + (other.shift - self.shift)
        share = other.weight / weight
        return type(self)(
            weight,
            self.squares + other.squares,
            self.pivot,
            self.shift + delta * share,
            self.m2 + other.m2 + delta * delta * self.weight * share,
        )

    @property
    def mean(self) -> float:
        """Weighted mean; NaN of nothing."""
        return self.pivot + self.shift if self.weight else math.nan

    @property
    def variance(self) -> float:
        """Population variance (ddof 0); NaN of nothing."""
        return self.m2 / self.weight if self.weight else math.nan

    @property
    def effective(self) -> float:
        """Rows of equal weight that say as much: (Σw)² / Σw² (Kish, 1965)."""
        return self.weight**2 / self.squares if self.squares else 0.0

    def dump(self) -> list[float]:
        """Its state, for JSON."""
        return [self.weight, self.squares, self.pivot, self.shift, self.m2]

    @classmethod
    def load(cls, state: Sequence[float]) -> Self:
        """What `dump` described."""
        return cls(*(float(number) for number in state))
