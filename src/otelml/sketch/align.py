"""Two sketches on common bins: the only place that bins.

Numbers are binned at the quantiles of the reference, so that one far value cannot make the bins
blind; cumulative distributions are compared at bucket bounds that both sketches share, where they
are exact.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.sketch.categories import Categories
from otelml.sketch.exponential import Exponential, Floats, Ints
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import EDGES, Probability

Sketch: TypeAlias = Numeric | Categories | Probability

_SURE: Final = 5
"""Count that a name is expected to have in a sketch that has pooled others."""

_ALIKE: Final = 3.0
"""Ratio of densities up to which neighbouring buckets look smooth."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Counts of both sketches in the same bins, each of shape (bins,)."""

    reference: Floats
    current: Floats


@dataclass(frozen=True, slots=True)
class Cdfs:
    """Cumulative distributions of both sketches at the same edges, each of shape (edges,)."""

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
        reference, current = at_one_scale(reference, current)
    inner = _edges(reference, bins)
    counts = []
    for sketch in (reference, current):
        below = sketch.cdf(inner) * sketch.count
        counts.append(np.maximum(np.diff(below, prepend=0.0, append=float(sketch.count)), 0.0))
    return Aligned(*counts)


def cdfs(reference: Numeric | Probability, current: Numeric | Probability) -> Cdfs:
    """Both cumulative distributions at every bucket bound that both know exactly.

    Where one begins or ends inside a smooth bucket of the other, there too.
    """
    if isinstance(reference, Probability) or isinstance(current, Probability):
        edges = EDGES
    else:
        one, other = (sketch.body for sketch in at_one_scale(reference, current))
        edges = np.union1d(
            np.union1d(_grid(one), _grid(other)),
            np.union1d(_ends(reference, other), _ends(current, one)),
        )
    return Cdfs(edges, reference.cdf(edges), current.cdf(edges))


def _ends(sketch: Numeric, other: Exponential) -> Floats:
    """The extremes of a sketch that fall into smooth buckets of the other."""
    lower, upper, counts = other.bounds()
    ends = np.array([sketch.minimum, sketch.maximum])
    if not counts.size:
        return ends[:0]
    cell = np.clip(np.searchsorted(upper, ends), 0, len(upper) - 1)
    inside = (lower[cell] < ends) & (ends < upper[cell])
    return ends[inside & _smooth(lower, upper, counts)[cell]]


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


def at_one_scale(one: Numeric, other: Numeric) -> tuple[Numeric, Numeric]:
    """Both with bodies of the coarser scale, so that a line through a bucket cuts both alike."""
    scale = min(one.body.scale, other.body.scale)
    if one.body.scale == other.body.scale:
        return one, other
    return (
        replace(one, body=one.body.rescale(scale)),
        replace(other, body=other.body.rescale(scale)),
    )


def _grid(histogram: Exponential) -> Floats:
    """Bounds of its filled buckets; the zeros stand between 0 and the number before."""
    lower, upper, _ = histogram.bounds()
    lower = np.where(lower < upper, lower, np.nextafter(upper, -np.inf))
    return np.union1d(lower, upper)


def _edges(reference: Numeric | Probability, bins: int) -> Floats:
    """Inner edges of the bins: the reference's quantiles, ties collapsed.

    A bucket in which a value repeats is not cut: the edge moves to its upper bound. Where there are
    few buckets, each is a bin.
    """
    if isinstance(reference, Probability):
        filled = np.flatnonzero(reference.counts)
        lower, upper, counts = EDGES[filled], EDGES[filled + 1], reference.counts[filled]
    else:
        lower, upper, counts = reference.body.bounds()
    if len(counts) <= bins:
        return np.unique(np.concatenate([lower[1:], upper[:-1]]))
    edges = np.unique(reference.quantile(np.arange(1, bins) / bins))
    cell = np.clip(np.searchsorted(upper, edges, side="left"), 0, len(upper) - 1)
    return np.unique(np.where(_smooth(lower, upper, counts)[cell], edges, upper[cell]))


def _smooth(lower: Floats, upper: Floats, counts: Ints) -> npt.NDArray[np.bool_]:
    """Which buckets look like pieces of a density: their neighbours touch and are as dense.

    In the others a value repeats, and a line through the bucket would cut it in two.
    """
    density = counts / np.where(lower < upper, upper - lower, 1.0)
    touching = (upper[:-1] == lower[1:]) & (lower[:-1] < upper[:-1]) & (lower[1:] < upper[1:])
    alike = touching & (np.abs(np.log(density[1:] / density[:-1])) < np.log(_ALIKE))
    smooth: npt.NDArray[np.bool_] = np.r_[True, alike] & np.r_[alike, True]
    return smooth
