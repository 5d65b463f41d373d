"""A column of a window beside its baseline, with what several checks need worked out once."""

from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple, Self

import numpy as np
from scipy import special

from otelml.data import Sketch
from otelml.sketch.align import Aligned, Cdfs, align, cdfs
from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

_FEWEST: Final = 5.0
"""Count that a cell is expected to have in the smaller sample; cells below are pooled."""


class Shares(NamedTuple):
    """Counts and shares of both samples in the same cells, and what their sizes alone explain.

    `totals` are the sums of the counts.
    """

    counts: Aligned
    totals: tuple[int, int]
    reference: Floats
    current: Floats

    @classmethod
    def of(cls, counts: Aligned, totals: tuple[int, int]) -> Self:
        """The shares of some counts; those of sparse cells are pooled."""
        counts = _pooled(counts, *totals)
        return cls(counts, totals, counts.reference / totals[0], counts.current / totals[1])

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return len(self.reference) - 1

    @property
    def noise(self) -> float:
        """1/n + 1/m: the scale of every distance under no drift."""
        return 1 / self.totals[0] + 1 / self.totals[1]

    @property
    def chi_squared(self) -> float:
        """Statistic of homogeneity of the counts p and q: n m Σ (p / n − q / m)² / (p + q)."""
        gaps = self.reference - self.current
        weights = self.counts.reference + self.counts.current
        n, m = self.totals
        return float(gaps @ (gaps / weights)) * n * m


class Comparison:
    """Two sketches of one column; `counts` are of their values, `rows` of the missing ones too."""

    def __init__(self, reference: Sketch, current: Sketch) -> None:
        self.reference, self.current = reference, current
        self.rows = _rows(current), _rows(reference)
        self.counts: tuple[int, int] = getattr(reference, "count", 0), getattr(current, "count", 0)

    @property
    def filled(self) -> bool:
        """Whether both have values, not only missing ones."""
        return all(self.counts)

    @property
    def noise(self) -> float:
        """1/n + 1/m."""
        return 1 / self.counts[0] + 1 / self.counts[1]

    @property
    def pair(self) -> tuple[Numeric | Probability, Numeric | Probability]:
        """Both, as numbers."""
        assert not isinstance(self.reference, Categories)
        return self.reference, self.current  # type: ignore[return-value]  # asked for of numbers

    @cached_property
    def cdfs(self) -> Cdfs:
        """Both cumulative distributions at common edges."""
        return cdfs(*self._scaled)

    @cached_property
    def thirty(self) -> Shares:
        """Shares in 30 bins, or by category."""
        return self._shares(30)

    @cached_property
    def ten(self) -> Shares:
        """Shares in ten bins, or by category."""
        return self.thirty if isinstance(self.reference, Categories) else self._shares(10)

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the baseline."""
        return float(np.sqrt(self.pair[0].variance))

    @cached_property
    def _scaled(self) -> tuple[Any, Any]:
        """Both; numbers with bodies of one scale."""
        if isinstance(self.reference, Numeric) and isinstance(self.current, Numeric):
            return self.reference.alike(self.current)
        return self.reference, self.current

    def _shares(self, bins: int) -> Shares:
        return Shares.of(align(*self._scaled, bins), self.counts)


def _pooled(counts: Aligned, n: int, m: int) -> Aligned:
    """The same counts with the sparse cells in one, so that laws for large counts hold."""
    p, q = counts.reference, counts.current
    sparse = (p + q) / (n + m) * min(n, m) < _FEWEST
    if not sparse.any():
        return counts
    pooled = [np.append(x[~sparse], x[sparse].sum()) for x in (p, q)]
    filled = pooled[0] + pooled[1] > 0
    return Aligned(pooled[0][filled], pooled[1][filled])


def _rows(sketch: Sketch) -> int:
    return int(getattr(sketch, "observations", 0))


@lru_cache(maxsize=1024)
def chi_squared_quantile(freedom: int, level: float) -> float:
    """What χ² passes with that probability; columns with as many cells share it."""
    return float(special.chdtri(freedom, level))


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
