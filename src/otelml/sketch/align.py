"""Pairs of sketches on common bins, a row a pair.

Numbers are binned at the quantiles of the reference, so that one far value cannot make the bins
blind; cumulative distributions are compared at bucket bounds that both sketches share, where they
are exact.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.distribution import Cut
from otelml.sketch.numeric import Numeric, work_out
from otelml.sketch.probability import EDGES, Probability

Numbers: TypeAlias = Numeric | Probability
Pair: TypeAlias = tuple[Numbers, Numbers]
"""Reference and current."""

_SURE: Final = 5
"""Count that a name is expected to have in a sketch that has pooled others."""


class Aligned(NamedTuple):
    """Counts of both in the same bins, of shape (pairs, bins); fewer bins end in zeros."""

    reference: Floats
    current: Floats


class Cdfs(NamedTuple):
    """Cumulative distributions of both at the same edges, which ascend in each pair.

    Pairs stand one after the other, so that one with many edges costs the others nothing; `starts`
    is where each begins.
    """

    edges: Floats
    reference: Floats
    current: Floats
    starts: npt.NDArray[np.intp]


def alike(references: Sequence[Numbers], currents: Sequence[Numbers]) -> list[Pair]:
    """Pairs with bodies of one scale, so that a line through a bucket cuts both alike."""
    work_out([s for s in (*references, *currents) if isinstance(s, Numeric)])
    pairs: list[Pair] = [
        a.alike(b) if isinstance(a, Numeric) and isinstance(b, Numeric) else (a, b)
        for a, b in zip(references, currents, strict=True)
    ]
    work_out([s for pair in pairs for s in pair if isinstance(s, Numeric)])
    return pairs


def cut(pairs: Sequence[Pair], bins: int) -> list[tuple[Cut, Cut]]:
    """Both sketches in at most `bins` bins of the reference's; the pairs are alike."""
    return [(held := one.bins(bins), other.cut(held.inner)) for one, other in pairs]


def align(cuts: Sequence[tuple[Cut, Cut]]) -> Aligned:
    """Counts of numbers in the same bins."""
    return Aligned(*(_counts(side) for side in zip(*cuts, strict=True)))


def hidden(cuts: Sequence[tuple[Cut, Cut]]) -> Aligned:
    """Sampling variance of these counts that lines through buckets hide."""
    return Aligned(*(_rows([c.hidden for c in side], 0.0) for side in zip(*cuts, strict=True)))


def _counts(cuts: Sequence[Cut]) -> Floats:
    totals = np.array([[float(c.count)] for c in cuts])
    under = np.minimum(_rows([c.under for c in cuts], np.inf), totals)
    counts: Floats = np.maximum(np.diff(under, axis=1, prepend=0.0, append=totals), 0.0)
    return counts


def cdfs(pairs: Sequence[Pair]) -> Cdfs:
    """Both cumulative distributions at every bucket bound that both know exactly.

    Where one begins or ends inside a smooth bucket of the other, there too; the pairs are alike.
    """
    edges = [_edges(*pair) for pair in pairs]
    before, now = (
        np.concatenate([side.cdf(x) for side, x in zip(sides, edges, strict=True)])
        for sides in zip(*pairs, strict=True)
    )
    sizes = np.array([len(x) for x in edges])
    return Cdfs(np.concatenate(edges), before, now, sizes.cumsum() - sizes)


def _rows(parts: Sequence[Floats], fill: float) -> Floats:
    """Arrays of different lengths as the rows of one, the shorter ones filled up."""
    rows = np.empty((len(parts), max(map(len, parts))))
    for row, part in zip(rows, parts, strict=True):
        row[: len(part)] = part
        row[len(part) :] = fill
    return rows


def _edges(reference: Numbers, current: Numbers) -> Floats:
    if isinstance(reference, Probability) or isinstance(current, Probability):
        return EDGES
    parts = reference.grid, current.grid, _ends(reference, current), _ends(current, reference)
    # A stable sort merges runs that are in order already, as the parts mostly are.
    return np.sort(np.concatenate(parts), kind="stable")


def _ends(sketch: Numeric, other: Numeric) -> list[float]:
    """The extremes of a sketch that fall into smooth buckets of the other."""
    lower, upper, _ = other.buckets()
    ends = sketch.minimum, sketch.maximum
    cells = upper.searchsorted(ends).tolist()
    return [
        end
        for end, cell in zip(ends, cells, strict=True)
        if cell < len(upper) and lower[cell] < end < upper[cell] and other.smooth[cell]
    ]


def align_names(references: Sequence[Categories], currents: Sequence[Categories]) -> Aligned:
    """Counts of categories by name, in the common vocabulary of each pair; first those of the rest.

    >>> a, b = Categories.of(["x", "x", "y"]), Categories.of(["x", "z"])
    >>> align_names([a], [b])
    Aligned(reference=array([[0., 2., 1., 0.]]), current=array([[0., 1., 0., 1.]]))
    """
    pairs = [_vocabulary(*pair) for pair in zip(references, currents, strict=True)]
    return Aligned(*(_rows(side, 0.0) for side in zip(*pairs, strict=True)))


def _vocabulary(reference: Categories, current: Categories) -> tuple[Floats, Floats]:
    """A cell for the rest of either side, and one a name.

    A name that a sketch lacks has a cell of its own only if that sketch is complete: else the name
    may be among its pooled ones, and only names that are surely among the kept ones are told apart.
    To choose them by the current counts would be to choose drift.
    """
    names = list(reference.counts)
    if current.other and reference.count:
        least = _SURE * reference.count / max(current.count, 1)
        names = [n for n in names if reference.counts[n] >= least and n in current.counts]
    elif not reference.other:
        names += [name for name in current.counts if name not in reference.counts]
    cells = []
    for sketch in (reference, current):
        counts = [sketch.counts.get(name, 0) for name in names]
        cells.append(np.array([sketch.count - sum(counts), *counts], np.float64))
    return cells[0], cells[1]
