"""What numbers' sketches have in common, and what a comparison asks of one of its sides.

Answers are kept with the sketch: a baseline is asked the same for every window.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints
from otelml.sketch.flat import Flat

_TOP: Final = float(np.finfo(np.float64).max)
_WIDER: Final = 2.0**60


@dataclass(frozen=True)
class Cut:
    """Bins of a sketch: their inner edges, and how many of its values are at or below each.

    `lines` are the bounds of its buckets, and how many are at or below those.
    """

    count: int
    inner: Floats
    under: Floats
    lines: tuple[Floats, Floats]

    @cached_property
    def hidden(self) -> Floats:
        """Sampling variance of the counts of the bins that lines through buckets hide.

        Of the c values of a bucket a line gives a bin that has a share f of them exactly c f; by
        chance their number has the variance c f (1 − f).
        """
        edges, below = self.lines
        cell = edges.searchsorted(self.inner).clip(1, len(edges) - 1)
        low, high, under = below[cell - 1], below[cell], self.under
        cut = (low < under) & (under < high)
        counts = np.where(cut, high - low, 1.0)
        ends = np.concatenate([[-np.inf], under, [np.inf]])
        left = (under - np.maximum(low, ends[:-2])) / counts
        right = (np.minimum(high, ends[2:]) - under) / counts
        variance = np.zeros(len(under) + 1)
        variance[:-1] = np.where(cut, counts * left * (1 - left), 0.0)
        # A bin between two edges in one bucket has but one piece.
        cut[:-1] &= (cell[:-1] != cell[1:]) | ~cut[1:]
        variance[1:] += np.where(cut, counts * right * (1 - right), 0.0)
        return variance


class Distribution(ABC):
    """A sketch that knows how many values are at or below some edges."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Values in it."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Mean; NaN of nothing."""

    @property
    @abstractmethod
    def variance(self) -> float:
        """Population variance (ddof 0); NaN of nothing."""

    @abstractmethod
    def buckets(self) -> tuple[Floats, Floats, Ints]:
        """Lower and upper bounds and counts of the filled buckets that bins are made of."""

    @abstractmethod
    def cumulative(self) -> tuple[Floats, Floats]:
        """Edges, and how many values are at or below each; linear between them."""

    def lines(self) -> tuple[Floats, Floats]:
        """The same at the bounds of its buckets, whatever is known of values inside them."""
        return self.cumulative()

    def cdf(self, x: npt.ArrayLike) -> Floats:
        """Share of values at or below each `x`, linear inside buckets."""
        edges, _ = self.cumulative()
        return rising(np.asarray(x, np.float64), edges, self._shares)

    def quantile(self, q: npt.ArrayLike) -> Floats:
        """Least value with a share `q` at or below it, linear inside buckets; NaN of nothing."""
        sought = np.asarray(q, np.float64) * self.count
        if not self.count:
            return np.full(sought.shape, np.nan)
        return np.array([self._reached(s) for s in sought.ravel().tolist()]).reshape(sought.shape)

    def _reached(self, sought: float) -> float:
        """Where so many values are at or below."""
        edges, below = self.cumulative()
        cell = min(max(int(below.searchsorted(sought)), 1), len(below) - 1)
        low, high = float(edges[cell - 1]), float(edges[cell])
        before, upto = float(below[cell - 1]), float(below[cell])
        if high <= math.nextafter(low, math.inf):  # a jump: all of its values are the upper edge
            return high
        share = (sought - before) / (upto - before) if upto > before else 0.0
        return low + min(max(share, 0.0), 1.0) * (high - low)

    @cached_property
    def _shares(self) -> Floats:
        _, below = self.cumulative()
        return below / max(self.count, 1)

    @cached_property
    def quartiles(self) -> tuple[float, float, float]:
        """First quartile, median and third quartile; NaN of nothing."""
        low, median, high = self.quantile([0.25, 0.5, 0.75]).tolist()
        return low, median, high

    @cached_property
    def kurtosis(self) -> float:
        """Fourth standardised moment, every value at the middle of its bucket."""
        edges, below = self.cumulative()
        halves = edges / 2
        z = (halves[1:] + halves[:-1] - self.mean) / math.sqrt(self.variance)
        squares = np.square(z.clip(-1e70, 1e70))
        return float((below[1:] - below[:-1]) @ (squares * squares)) / self.count

    @cached_property
    def smooth(self) -> npt.NDArray[np.bool_]:
        """Which buckets look like pieces of a density."""
        return Flat.one(*self.buckets()).smooth()

    @cached_property
    def grid(self) -> Floats:
        """Bounds of its filled buckets."""
        return bounds_of(*self.buckets())

    def counts_between(self, inner: Floats) -> Floats:
        """Counts in the bins between these inner edges."""
        below = np.concatenate([[0.0], self.cdf(inner) * self.count, [self.count]])
        counts: Floats = np.maximum(below[1:] - below[:-1], 0.0)
        return counts

    def cut(self, inner: Floats) -> Cut:
        """Its bins between these edges."""
        return Cut(self.count, inner, self.cdf(inner) * self.count, self.lines())

    def bins(self, most: int) -> Cut:
        """At most so many bins, as equal in counts as its buckets allow."""
        if most not in self._bins:
            self._bins[most] = self.cut(self._inner_edges(most))
        return self._bins[most]

    @cached_property
    def _bins(self) -> dict[int, Cut]:
        return {}

    def _inner_edges(self, most: int) -> Floats:
        """Its quantiles, ties collapsed.

        A bucket in which a value repeats is not cut: the edge moves to its upper bound. An edge
        outside of it, among the values of a tail, stays. Where there are few buckets, each is a
        bin.
        """
        lower, upper, counts = self.buckets()
        if len(counts) <= most:
            return np.unique(np.concatenate([lower[1:], upper[:-1]]))
        shares = np.arange(1, most) / most
        edges = self.quantile(shares)
        cell = np.clip(np.searchsorted(upper, edges, side="left"), 0, len(upper) - 1)
        before = self.cdf(np.nextafter(lower[cell], -np.inf)) >= shares
        outside = before | (edges > upper[cell])
        return np.unique(np.where(self.smooth[cell] | outside, edges, upper[cell]))


def rising(x: Floats, edges: Floats, heights: Floats) -> Floats:
    """The height at each `x`, linear between ascending edges; 0 before them."""
    found: Floats = np.interp(x, edges, heights, left=0.0)
    if not np.isfinite(found).all():  # between subnormal edges slopes overflow
        x, edges = (v.clip(-_TOP / _WIDER, _TOP / _WIDER) * _WIDER for v in (x, edges))
        found = np.interp(x, edges, heights, left=0.0)
    return found


def bounds_of(lower: Floats, upper: Floats, _: Ints) -> Floats:
    """Bounds of buckets, ascending; one that is a point starts at the number before."""
    points = upper[lower == upper]
    apart = np.flatnonzero(lower[1:] != upper[:-1]) + 1
    return np.concatenate([lower[:1], lower[apart], np.nextafter(points, -np.inf), upper])
