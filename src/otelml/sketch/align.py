"""Two sketches on common bins.

Numbers are binned at the quantiles of the reference, so that one far value cannot make the bins
blind; cumulative distributions are compared at bucket bounds that both sketches share, where they
are exact.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np

from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import EDGES, Probability

Sketch: TypeAlias = Numeric | Categories | Probability

_SURE: Final = 5
"""Count that a name is expected to have in a sketch that has pooled others."""


class Aligned(NamedTuple):
    """Counts of both sketches in the same bins, each of shape (bins,)."""

    reference: Floats
    current: Floats


class Cdfs(NamedTuple):
    """Cumulative distributions of both at the same edges, which ascend, each of shape (edges,)."""

    edges: Floats
    reference: Floats
    current: Floats


def align(reference: Sketch, current: Sketch, bins: int) -> Aligned:
    """Counts on common bins: at most `bins` of numbers, the common vocabulary of categories.

    Raises:
        TypeError: one of them is of categories and the other is not.

    >>> a, b = Categories.of(["x", "x", "y"]), Categories.of(["x", "z"])
    >>> align(a, b, 10)
    Aligned(reference=array([2., 1., 0.]), current=array([1., 0., 1.]))
    """
    if isinstance(reference, Categories) and isinstance(current, Categories):
        return _vocabulary(reference, current)
    if isinstance(reference, Categories) or isinstance(current, Categories):
        raise TypeError(
            f"{type(reference).__name__} does not compare with {type(current).__name__}: "
            "both must be categories, or neither"
        )
    if isinstance(reference, Numeric) and isinstance(current, Numeric):
        reference, current = reference.alike(current)
    inner, counts = reference.bins(bins)
    return Aligned(counts, current.counts_between(inner))


def cdfs(reference: Numeric | Probability, current: Numeric | Probability) -> Cdfs:
    """Both cumulative distributions at every bucket bound that both know exactly.

    Where one begins or ends inside a smooth bucket of the other, there too.
    """
    if isinstance(reference, Probability) or isinstance(current, Probability):
        edges = EDGES
    else:
        reference, current = reference.alike(current)
        parts = reference.grid, current.grid, _ends(reference, current), _ends(current, reference)
        # A stable sort merges runs that are in order already, as the parts mostly are.
        edges = np.sort(np.concatenate(parts), kind="stable")
    return Cdfs(edges, reference.cdf(edges), current.cdf(edges))


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


def _vocabulary(reference: Categories, current: Categories) -> Aligned:
    """A cell a name, and one for the rest of either side.

    A name that the current sketch lacks has a cell of its own only if that sketch is complete:
    else the name may be among its pooled ones, and only names that are surely among the kept ones
    are told apart. To choose them by the current counts would be to choose drift.
    """
    names = list(reference.counts)
    if current.other and reference.count:
        least = _SURE * reference.count / max(current.count, 1)
        names = [n for n in names if reference.counts[n] >= least and n in current.counts]
    cells = []
    for sketch in (reference, current):
        counts = [sketch.counts.get(name, 0) for name in names]
        cells.append(np.array([*counts, sketch.count - sum(counts)], np.float64))
    kept = (cells[0] + cells[1]) > 0
    return Aligned(cells[0][kept], cells[1][kept])
