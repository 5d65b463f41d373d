"""The filled buckets of many histograms, one after the other in flat arrays.

A window of a thousand columns takes a few passes over these, and not a few for every column.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints
from otelml.sketch.piles import HEAVY, piles

if TYPE_CHECKING:
    from otelml.sketch.exponential import Exponential

_ALIKE: Final = 3.0
"""Ratio of densities up to which neighbouring buckets look smooth."""

_TOP: Final = float(np.finfo(np.float64).max)


class Flat(NamedTuple):
    """Bounds and counts of filled buckets, ascending in each histogram.

    Where each histogram starts, and how many buckets it has: none is empty.
    """

    lower: Floats
    upper: Floats
    counts: Ints
    starts: npt.NDArray[np.intp]
    sizes: npt.NDArray[np.intp]

    @classmethod
    def of(cls, histograms: "Sequence[Exponential]") -> Self:
        """Those of some histograms, zeros included."""
        sides = [
            (owner, *side)
            for owner, histogram in enumerate(histograms)
            for side in _sides(histogram)
        ]
        owners, signs, firsts, counts = zip(*sides, strict=True)
        owner, sign, first = np.array(owners), np.array(signs), np.array(firsts)
        sizes = np.array([len(c) for c in counts]) + 1  # of bounds
        ends = sizes.cumsum()
        # log₂ of the magnitude of bounds goes up, or down, by a step from bound to bound.
        step, origin = np.array([(2.0**-h.scale, h.origin) for h in histograms]).T[:, owner]
        start = (first - sign * (ends - sizes)) * step
        logs = start.repeat(sizes) + np.arange(ends[-1]) * (sign * step).repeat(sizes)
        with np.errstate(over="ignore", under="ignore"):
            magnitudes = np.minimum(np.exp2(logs), _TOP)
        edges = magnitudes * sign.repeat(sizes) + origin.repeat(sizes)
        every = np.concatenate(counts)
        (filled,) = every.nonzero()
        side = np.arange(len(sides)).repeat(sizes - 1)[filled]
        cell = filled + side  # a side has one bound more than buckets
        held = np.bincount(owner[side])
        return cls(edges[cell], edges[cell + 1], every[filled], held.cumsum() - held, held)

    @classmethod
    def one(cls, lower: Floats, upper: Floats, counts: Ints) -> Self:
        """Those of a single histogram."""
        return cls(lower, upper, counts, np.zeros(1, np.intp), np.array([len(counts)]))

    @property
    def totals(self) -> Ints:
        """How many values each histogram has."""
        totals: Ints = np.add.reduceat(self.counts, self.starts)
        return totals

    def each(self) -> Iterator[tuple[Floats, Floats, Ints]]:
        """Lower and upper bounds and counts of every histogram."""
        lower, upper, counts, *_ = self
        for start, size in zip(self.starts.tolist(), self.sizes.tolist(), strict=True):
            end = start + size
            yield lower[start:end], upper[start:end], counts[start:end]

    def within(self, least: Floats, greatest: Floats) -> Self:
        """The same, outermost bounds drawn in to each one's extremes where these are known."""
        lower, upper = self.lower.copy(), self.upper.copy()
        first, last = self.starts, self.starts + self.sizes - 1
        inner = np.minimum(least, upper[first])
        lower[first] = np.where(least > lower[first], inner, lower[first])
        inner = np.maximum(greatest, lower[last])
        upper[last] = np.where(greatest < upper[last], inner, upper[last])
        return self._replace(lower=lower, upper=upper)

    def smooth(self) -> npt.NDArray[np.bool_]:
        """Which buckets look like pieces of a density: their neighbours touch and are as dense.

        In the others a value repeats, and a line through the bucket would cut it in two.
        """
        lower, upper, counts, starts, sizes = self
        widths, shares = upper - lower, counts / self.totals.repeat(sizes)
        # Shares by the widths of the others: densities, but for what both are divided by.
        one, other = shares[:-1] * widths[1:], shares[1:] * widths[:-1]
        alike = (upper[:-1] == lower[1:]) & (one < _ALIKE * other) & (other < _ALIKE * one)
        alike[starts[1:] - 1] = True  # the next one is of another histogram
        smooth = np.ones(len(counts), np.bool_)
        smooth[1:] = alike
        smooth[:-1] &= alike
        smooth[starts[sizes == 1]] = False
        return smooth

    def lines(self) -> list[tuple[Floats, Floats]]:
        """Of each, bounds of buckets and how many values are at or below each bound."""
        lower, upper, counts, starts, sizes = self
        below = counts.cumsum()
        before = below - counts
        offsets = before[starts].repeat(sizes)
        heights, edges = np.empty((2, 2 * len(counts)))
        heights[::2], heights[1::2] = before - offsets, below - offsets
        edges[::2], edges[1::2] = lower, upper
        # A bucket of one value (the zeros, a constant) is a jump: it starts one step before, but
        # not before the one below ends.
        (points,) = (lower >= upper).nonzero()
        ended = upper[points - 1]
        ended[starts[starts.searchsorted(points, "right") - 1] == points] = -np.inf
        edges[2 * points] = np.maximum(np.nextafter(upper[points], -np.inf), ended)
        ends = (2 * (starts + sizes)).tolist()
        return [
            (edges[start:end], heights[start:end])
            for start, end in zip((2 * starts).tolist(), ends, strict=True)
        ]

    def cumulative(self, lines: list[tuple[Floats, Floats]]) -> list[tuple[Floats, Floats]]:
        """The lines, and edges inside buckets where values pile up; linear between all of them."""
        lower, upper, counts, starts, sizes = self
        found = [*lines]
        heavy = counts >= HEAVY * self.totals.repeat(sizes)
        for place in np.logical_or.reduceat(heavy, starts).nonzero()[0].tolist():
            some = slice(starts[place], starts[place] + sizes[place])
            found[place] = _piled(lower[some], upper[some], heavy[some], *found[place])
        return found


def _sides(histogram: "Exponential") -> Iterator[tuple[int, int, npt.NDArray[np.int64]]]:
    """Sign, index of the first bound and counts of the negative values, zeros and positive ones."""
    down, up = histogram.negative, histogram.positive
    if down.counts.size:
        yield -1, down.offset + down.counts.size, down.counts[::-1]
    if histogram.zeros:
        yield 0, 0, np.array([histogram.zeros])
    if up.counts.size:
        yield 1, up.offset, up.counts


def _piled(
    lower: Floats, upper: Floats, heavy: npt.NDArray[np.bool_], edges: Floats, heights: Floats
) -> tuple[Floats, Floats]:
    """The same edges and heights, and more of them where values pile up in heavy buckets."""
    below = np.append(heights[::2], heights[-1])
    more = piles(lower, upper, below, heavy.nonzero()[0])
    if not more:
        return edges, heights
    # Both rise, so that sorting keeps them together.
    xs, ys = zip((edges, heights), *more, strict=True)
    return np.sort(np.concatenate(xs)), np.sort(np.concatenate(ys))
