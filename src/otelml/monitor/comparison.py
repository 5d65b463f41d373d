"""Columns of a window beside their baselines, with what several checks need worked out once.

Arrays have an entry, or a row, for each column.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy import special

from otelml.sketch.align import Aligned, Cdfs, Pair, align, align_names, alike, cdfs, cut, hidden
from otelml.sketch.array import Floats, Ints
from otelml.sketch.categories import Categories

_FEWEST: Final = 5.0
"""Count that a cell is expected to have in the smaller sample; cells below are pooled."""


class Shares(NamedTuple):
    """Counts and shares of both samples in the same cells, and what their sizes alone explain.

    Cells are filled if either sample has something there; `totals` are the sums of the counts.
    `hidden` is what chance adds to Σ (p − q)² / (p + q) / 4 inside buckets, on average, where lines
    through them hide it.
    """

    counts: Aligned
    filled: npt.NDArray[np.bool_]
    totals: Ints
    reference: Floats
    current: Floats
    hidden: Floats

    @classmethod
    def of(
        cls, counts: Aligned, totals: Ints, hidden: Aligned | None = None, rest: int = 0
    ) -> Self:
        """The shares of some counts; those of sparse cells, and of the first `rest`, are pooled.

        `hidden` are the variances of the counts that lines through buckets hide.
        """
        before, now = totals[:, :, None]
        added = np.zeros(len(counts.reference))
        if hidden is not None:
            variances = hidden.reference / before / before + hidden.current / now / now
            shares = counts.reference / before + counts.current / now
            added = (variances / np.where(shares > 0, shares, np.inf)).sum(axis=1) / 4
        counts = _pooled(counts, totals, rest)
        filled = counts.reference + counts.current > 0
        return cls(counts, filled, totals, counts.reference / before, counts.current / now, added)

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom."""
        freedom: Floats = self.filled.sum(axis=1) - 1.0
        return freedom

    @property
    def noise(self) -> Floats:
        """1/n + 1/m: the scale of every distance under no drift."""
        return noise(self.totals)

    def unveiled(self, squared: Floats) -> Floats:
        """Squared distances, about Σ (p − q)² / (p + q) / 4, as on the values themselves.

        What buckets hide is added as far as the samples differ by chance between buckets, too: not
        at all where one is a copy of the other.
        """
        expected = self.freedom * self.noise / 8
        seen = np.maximum(expected - self.hidden, 1e-9 * self.noise)
        unveiled: Floats = squared + self.hidden * np.minimum(squared / seen, 1.0)
        return unveiled

    @property
    def chi_squared(self) -> Floats:
        """Statistic of homogeneity of the counts p and q: n m Σ (p / n − q / m)² / (p + q)."""
        gaps = self.reference - self.current
        weights = np.where(self.filled, self.counts.reference + self.counts.current, 1.0)
        both = self.totals.prod(axis=0, dtype=np.float64)
        statistic: Floats = (gaps * gaps / weights).sum(axis=1) * both
        return statistic


class Comparison:
    """Sketches of some columns in the baseline and in the window, all numbers or all categories.

    `rows` and `counts` have the shape (2, columns), the baseline's first: those of all values, and
    without the missing ones.
    """

    def __init__(self, references: Sequence[Any], currents: Sequence[Any]) -> None:
        self.references, self.currents = self.sides = references, currents
        self.rows = self.of("observations")
        self.counts = self.of("count")

    def of(self, attribute: str) -> npt.NDArray[Any]:
        """A number that every sketch has, of shape (2, columns); 0 where it has none."""
        return np.array([[getattr(sketch, attribute, 0) for sketch in side] for side in self.sides])

    @cached_property
    def filled(self) -> "tuple[npt.NDArray[np.intp], Comparison]":
        """Which columns have values on both sides, not only missing ones; and only these."""
        (places,) = (self.counts.min(axis=0) > 0).nonzero()
        if len(places) == len(self.references):
            return places, self
        return places, Comparison(*([side[i] for i in places.tolist()] for side in self.sides))

    @property
    def noise(self) -> Floats:
        """1/n + 1/m."""
        return noise(self.counts)

    @cached_property
    def cdfs(self) -> Cdfs:
        """Both cumulative distributions at common edges."""
        return cdfs(self._pairs)

    @cached_property
    def _pairs(self) -> list[Pair]:
        return alike(*self.sides)

    @cached_property
    def thirty(self) -> Shares:
        """Shares in 30 bins, or by category."""
        if isinstance(self.references[0], Categories):
            return Shares.of(align_names(*self.sides), self.counts, rest=1)
        cuts = cut(self._pairs, 30)
        return Shares.of(align(cuts), self.counts, hidden(cuts))

    @cached_property
    def ten(self) -> Shares:
        """Shares in ten bins, or by category."""
        if isinstance(self.references[0], Categories):
            return self.thirty
        return Shares.of(align(cut(self._pairs, 10)), self.counts)

    @cached_property
    def means(self) -> Floats:
        """Means, of shape (2, columns)."""
        return self.of("mean")

    @cached_property
    def variances(self) -> Floats:
        """Variances, of shape (2, columns)."""
        return self.of("variance")

    @cached_property
    def spreads(self) -> Floats:
        """Standard deviations of the baseline."""
        spreads: Floats = np.sqrt(self.variances[0])
        return spreads


def noise(counts: Ints) -> Floats:
    """1/n + 1/m of counts of shape (2, columns)."""
    total: Floats = (1 / counts).sum(axis=0)
    return total


def _pooled(counts: Aligned, totals: Ints, rest: int) -> Aligned:
    """The same counts, the sparse cells in one, the last, so that laws for large counts hold.

    Rare categories that one side alone has by name are among the rest of the other.
    """
    p, q = counts
    both, smaller = totals.sum(axis=0)[:, None], totals.min(axis=0)[:, None]
    sparse = (p + q) / both * smaller < _FEWEST
    sparse[:, :rest] = True
    if not sparse.any():
        return counts
    pool = (np.where(sparse, x, 0.0).sum(axis=1, keepdims=True) for x in counts)
    kept = (np.where(sparse, 0.0, x) for x in counts)
    return Aligned(*(np.concatenate(cells, axis=1) for cells in zip(kept, pool, strict=True)))


def chi_squared_quantiles(freedom: Floats, level: float) -> Floats:
    """What χ² passes with that probability."""
    return np.array([_chi_squared_quantile(cells, level) for cells in freedom.tolist()])


@lru_cache(maxsize=1024)
def _chi_squared_quantile(freedom: float, level: float) -> float:
    return float(special.chdtri(max(freedom, 1.0), level))
