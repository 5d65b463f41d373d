"""Difference of accuracies on the same rows, by those that one model alone gets right.

Tested after McNemar (1947): exactly of few such rows, else by χ² with the continuity correction of
Edwards (1948). The interval is the adjusted Wald one of Bonett & Price (2012).
"""

from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import numpy as np
from scipy import special

from otelml.data import Outcomes
from otelml.monitor.comparison import normal_quantile
from otelml.monitor.segments import known

_FEW: Final = 25
"""Discordant rows below which the test is the exact binomial one."""


@dataclass(frozen=True, slots=True)
class Discordance:
    """Rows that both models got right, that one of them alone did, and that neither did.

    >>> Discordance(both=80, champion=2, challenger=10, neither=8).difference
    0.08
    """

    both: int = 0
    champion: int = 0
    challenger: int = 0
    neither: int = 0

    @classmethod
    def of(cls, champion: Outcomes, challenger: Outcomes) -> Self:
        """Of the rows with a truth and both classes."""
        kept = known(champion.truth) & known(champion.predicted) & known(challenger.predicted)
        one, other = ((o.predicted == champion.truth)[kept] for o in (champion, challenger))
        rows = np.bincount(2 * ~one + ~other, minlength=4)
        return cls(*(int(n) for n in rows))

    def merge(self, other: Self) -> Self:
        """Of both sets of rows."""
        return type(self)(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def dump(self) -> list[Any]:
        """The counts as JSON."""
        return [*astuple(self)]

    @classmethod
    def load(cls, state: list[Any]) -> Self:
        """What `dump` gave."""
        return cls(*state)

    @property
    def rows(self) -> int:
        """Rows compared."""
        return self.both + self.champion + self.challenger + self.neither

    @property
    def reference(self) -> float:
        """The champion's accuracy."""
        return (self.both + self.champion) / self.rows

    @property
    def difference(self) -> float:
        """The challenger's accuracy less the champion's."""
        return (self.challenger - self.champion) / self.rows

    @property
    def p_value(self) -> float:
        """McNemar's, two-sided."""
        discordant = self.champion + self.challenger
        if discordant < _FEW:
            fewer = min(self.champion, self.challenger)
            return min(2 * float(special.bdtr(fewer, discordant, 0.5)), 1.0)
        gap = abs(self.champion - self.challenger)
        return float(special.chdtrc(1, max(gap - 1, 0) ** 2 / discordant))

    def interval(self, level: float) -> tuple[float, float]:
        """Of the difference."""
        n = self.rows + 2
        gap = (self.challenger - self.champion) / n
        apart = (self.challenger + self.champion + 2) / n
        half = -normal_quantile(level / 2) * ((apart - gap**2) / n) ** 0.5
        return max(gap - half, -1.0), min(gap + half, 1.0)
