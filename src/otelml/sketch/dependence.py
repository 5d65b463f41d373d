"""How a squared error goes with the target's distance from its mean: what R² is uncertain by.

Sums of powers about a pivot near the mean; parts are moved to one pivot by the binomial theorem.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from otelml.sketch.array import Floats

_POWERS: Final = 5
_MIXED: Final = 3


@dataclass(frozen=True, slots=True)
class Dependence:
    """Σ z⁰ … z⁴, Σ u z⁰ … u z² and Σ u² of squared errors `u` and targets `pivot + z`, weighted.

    >>> part = Dependence.of(np.array([0.0, 2.0]), np.array([1.0, 3.0]), np.ones(2))
    >>> whole = part.merge(Dependence.of(np.array([7.0]), np.array([2.0]), np.ones(1)))
    >>> whole.about(3.0).powers[:3]
    (3.0, 0.0, 26.0)
    """

    pivot: float = 0.0
    powers: tuple[float, ...] = (0.0,) * _POWERS
    mixed: tuple[float, ...] = (0.0,) * _MIXED
    squares: float = 0.0

    @classmethod
    def of(cls, target: Floats, squared: Floats, weight: Floats) -> Self:
        """The sums of some rows, each of shape (rows,)."""
        if not target.size:
            return cls()
        pivot = float(np.average(target, weights=weight))
        z = target - pivot
        powers = np.cumprod(np.stack([np.ones(z.shape), z, z, z, z]), axis=0)
        return cls(
            pivot,
            tuple((powers @ weight).tolist()),
            tuple((powers[:_MIXED] @ (squared * weight)).tolist()),
            float(squared * weight @ squared),
        )

    def merge(self, other: Self) -> Self:
        """The sums of both."""
        if not self.powers[0] or not other.powers[0]:
            return self if self.powers[0] else other
        moved = other.about(self.pivot)
        return type(self)(
            self.pivot,
            tuple(a + b for a, b in zip(self.powers, moved.powers, strict=True)),
            tuple(a + b for a, b in zip(self.mixed, moved.mixed, strict=True)),
            self.squares + other.squares,
        )

    def about(self, pivot: float) -> Self:
        """The same sums about another pivot."""
        step = self.pivot - pivot
        powers, mixed = _moved(self.powers, step), _moved(self.mixed, step)
        return type(self)(pivot, powers, mixed, self.squares)

    def variance_of_ratio(self) -> float:
        """Variance of the mean of u over that of z², a row's: Var(u − r z²) / E[z²]² at r = u / z².

        NaN where there is none.
        """
        weight = self.powers[0]
        if not weight:
            return math.nan
        centred = self.about(self.pivot + self.powers[1] / weight)
        z2, z4, u, uz2 = centred.powers[2], centred.powers[4], self.mixed[0], centred.mixed[2]
        if not z2 > 0:
            return math.nan
        r = u / z2
        return max(self.squares - 2 * r * uz2 + r * r * z4, 0.0) * weight / z2**2

    def dump(self) -> list[float]:
        """Its state, for JSON."""
        return [self.pivot, *self.powers, *self.mixed, self.squares]

    @classmethod
    def load(cls, state: Sequence[float]) -> Self:
        """What `dump` described."""
        pivot, *sums, squares = (float(number) for number in state)
        return cls(pivot, tuple(sums[:_POWERS]), tuple(sums[_POWERS:]), squares)


def _moved(sums: tuple[float, ...], step: float) -> tuple[float, ...]:
    """The sums about a pivot that lies so far off; NaN where that is beyond all numbers."""
    try:
        return tuple(
            math.fsum(math.comb(k, j) * step ** (k - j) * sums[j] for j in range(k + 1))
            for k in range(len(sums))
        )
    except (OverflowError, ValueError):  # infinities of both signs have no sum
        return (math.nan,) * len(sums)
