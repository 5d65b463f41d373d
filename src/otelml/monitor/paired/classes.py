"""Agreement on classes: the share of rows with equal ones, and Cohen's kappa (Cohen, 1960)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from otelml.data import Outcomes
from otelml.monitor.comparison import normal_quantile
from otelml.monitor.share import wilson


@dataclass(frozen=True, slots=True)
class Classes:
    """Rows by the champion's class and the challenger's; rows that lack either do not count.

    >>> Classes({("a", "a"): 40, ("a", "b"): 10, ("b", "b"): 50}).kappa
    0.8
    """

    cells: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, champion: Outcomes, challenger: Outcomes) -> Self:
        """The classes of the same rows."""
        pairs = zip(champion.predicted.tolist(), challenger.predicted.tolist(), strict=True)
        return cls(Counter((a, b) for a, b in pairs if a is not None and b is not None))

    def merge(self, other: Self) -> Self:
        """The classes of both sets of rows."""
        return type(self)(Counter(self.cells) + Counter(other.cells))

    def dump(self) -> list[Any]:
        """The cells as JSON."""
        return [[*pair, rows] for pair, rows in sorted(self.cells.items())]

    @classmethod
    def load(cls, state: list[Any]) -> Self:
        """What `dump` gave."""
        return cls({(a, b): rows for a, b, rows in state})

    @property
    def rows(self) -> int:
        """Rows compared."""
        return sum(self.cells.values())

    @property
    def agreement(self) -> float:
        """Share of rows with equal classes."""
        return sum(rows for (a, b), rows in self.cells.items() if a == b) / self.rows

    def agreement_interval(self, level: float) -> tuple[float, float]:
        """Wilson's."""
        return wilson(self.agreement, self.rows, level)

    @property
    def _shares(self) -> tuple[Mapping[str, float], Mapping[str, float], float]:
        """Shares of each class at either model, and the agreement that they make by chance."""
        one: Counter[str] = Counter()
        other: Counter[str] = Counter()
        for (a, b), rows in self.cells.items():
            one[a] += rows
            other[b] += rows
        n = self.rows
        shares = [{name: rows / n for name, rows in seen.items()} for seen in (one, other)]
        return *shares, sum(shares[0][c] * shares[1].get(c, 0.0) for c in shares[0])  # type: ignore[return-value]  # two

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance; None where both always say one class."""
        chance = self._shares[2]
        return (self.agreement - chance) / (1 - chance) if chance < 1 else None

    def kappa_interval(self, level: float) -> tuple[float, float] | None:
        """With the large-sample variance of Fleiss, Cohen & Everitt (1969)."""
        one, other, chance = self._shares
        kappa = self.kappa
        if kappa is None:
            return None
        spread = 0.0
        for (a, b), rows in self.cells.items():
            if a == b:
                factor = 1 - (one[a] + other[a]) * (1 - kappa)
            else:
                factor = (1 - kappa) * (other.get(a, 0.0) + one.get(b, 0.0))
            spread += rows / self.rows * factor**2
        variance = (spread - (kappa - chance * (1 - kappa)) ** 2) / (1 - chance) ** 2
        half = -normal_quantile(level / 2) * max(variance / self.rows, 0.0) ** 0.5
        return kappa - half, kappa + half
