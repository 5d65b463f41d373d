"""Count, mean and sum of squared deviations, exact under merging.

Two parts are merged after Chan, Golub & LeVeque (1979), "Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances", which keeps every digit far from zero, where plain sums
of squares lose them all.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

HUGE: Final = 2.0**256
"""Values of a greater magnitude are left out of the moments: their squares overflow."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and squared deviations `m2` of `count` values.

    The mean is kept as `pivot + shift`, so that it has digits to spare far from zero.

    >>> whole = Moments.of(np.array([1.0, 2.0, 3.0])).merge(Moments.of(np.array([6.0])))
    >>> whole.count, whole.mean, whole.m2
    (4, 3.0, 14.0)
    """

    count: int = 0
    pivot: float = 0.0
    shift: float = 0.0
    m2: float = 0.0

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> Self:
        """Moments of a 1-d array of finite values."""
        kept = values[np.abs(values) <= HUGE]
        if not kept.size:
            return cls()
        pivot = float(kept.mean())
        deviations = kept - pivot
        total = float(deviations.sum())
        # Not by BLAS, whose threads would spin on the app's other cores for a while.
        squares = float(np.einsum("i,i->", deviations, deviations))
        return cls.from_sums(pivot, kept.size, total, squares)

    @classmethod
    def from_sums(cls, pivot: float, count: int, total: float, squares: float) -> Self:
        """Moments from Σ(x − pivot) and Σ(x − pivot)² of `count` values."""
        if count <= 0:
            return cls()
        shift = total / count
        return cls(count, pivot, shift, max(squares - total * shift, 0.0))

    def about(self, pivot: float) -> tuple[float, float]:
        """Σ(x − pivot) and Σ(x − pivot)²."""
        shift = (self.pivot - pivot) + self.shift
        return self.count * shift, self.m2 + self.count * shift * shift

    def merge(self, other: Self) -> Self:
        """Moments of both sets of values together."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        delta = (other.pivot - self.pivot) + (other.shift - self.shift)
        share = other.count / count
        m2 = self.m2 + other.m2 + delta * delta * self.count * share
        return type(self)(count, self.pivot, self.shift + delta * share, m2)

    @property
    def mean(self) -> float:
        """Mean; NaN of nothing."""
        return self.pivot + self.shift if self.count else math.nan

    @property
    def variance(self) -> float:
        """Population variance (ddof 0); NaN of nothing."""
        return self.m2 / self.count if self.count else math.nan
