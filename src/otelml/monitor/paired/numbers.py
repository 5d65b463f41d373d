"""Agreement on numbers: mean difference, correlation, and the share within a tolerance."""

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Final, Self

import numpy as np

from otelml.data import Outcomes
from otelml.monitor.comparison import normal_quantile
from otelml.monitor.share import wilson
from otelml.sketch.moments import HUGE, Moments

TOLERANCE: Final = 0.01
"""Difference, relative to the larger of both magnitudes, up to which two numbers agree."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Moments of either model's numbers and of challenger less champion, and rows `within`.

    Rows where either is not finite do not count.
    """

    champion: Moments = field(default_factory=Moments)
    challenger: Moments = field(default_factory=Moments)
    difference: Moments = field(default_factory=Moments)
    within: int = 0

    @classmethod
    def of(cls, champion: Outcomes, challenger: Outcomes, tolerance: float = TOLERANCE) -> Self:
        """The numbers of the same rows."""
        one, other = champion.predicted.astype(float), challenger.predicted.astype(float)
        kept = (np.abs(one) <= HUGE) & (np.abs(other) <= HUGE)
        one, other = one[kept], other[kept]
        near = np.abs(other - one) <= tolerance * np.maximum(np.abs(one), np.abs(other))
        return cls(
            Moments.of(one), Moments.of(other), Moments.of(other - one), int(np.count_nonzero(near))
        )

    def merge(self, other: Self) -> Self:
        """The numbers of both sets of rows."""
        return type(self)(
            self.champion.merge(other.champion),
            self.challenger.merge(other.challenger),
            self.difference.merge(other.difference),
            self.within + other.within,
        )

    def dump(self) -> dict[str, Any]:
        """The sums as JSON."""
        return {
            "champion": astuple(self.champion),
            "challenger": astuple(self.challenger),
            "difference": astuple(self.difference),
            "within": self.within,
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` gave."""
        return cls(
            Moments(*state["champion"]),
            Moments(*state["challenger"]),
            Moments(*state["difference"]),
            state["within"],
        )

    @property
    def rows(self) -> int:
        """Rows compared."""
        return self.difference.count

    @property
    def agreement(self) -> float:
        """Share of rows within the tolerance."""
        return self.within / self.rows

    def agreement_interval(self, level: float) -> tuple[float, float]:
        """Wilson's."""
        return wilson(self.agreement, self.rows, level)

    @property
    def correlation(self) -> float | None:
        """Pearson's; None where either does not vary."""
        scale = 2 * math.sqrt(self.champion.m2 * self.challenger.m2)
        if not scale:
            return None
        shared = self.champion.m2 + self.challenger.m2 - self.difference.m2
        return min(max(shared / scale, -1.0), 1.0)

    def correlation_interval(self, level: float) -> tuple[float, float] | None:
        """On Fisher's z scale (1915)."""
        correlation = self.correlation
        if correlation is None or self.rows <= 3:
            return None
        if abs(correlation) == 1:
            return correlation, correlation
        z, half = math.atanh(correlation), -normal_quantile(level / 2) / (self.rows - 3) ** 0.5
        return math.tanh(z - half), math.tanh(z + half)
