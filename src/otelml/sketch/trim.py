"""Which values leave the body of a histogram, so that it is as fine as the others allow."""

from typing import Final

import numpy as np
import numpy.typing as npt

from otelml.sketch.buckets import MOST, Cells, steps_to_fit
from otelml.sketch.exponential import Exponential

SHARE: Final = 0.002
"""Share of the values that may leave the body at either end."""

FEW: Final = 4
"""Values at either end of a small sketch that may leave its body, where that buys much."""

MUCH: Final = 3
"""Scale steps that are much."""

_GAPS: Final = 8
"""Gaps at which the body may end, the widest first."""

_WIDE: Final = 2
"""Ratio of such gaps to what they leave: smooth values have wide ones among the farthest alone."""

_SOME: Final = 16
"""Values of which a half may stand apart, and of fewer a quarter: these have gaps by chance."""


def layout(
    scale: int,
    zeros: int,
    signs: list[Cells],
    extremes: tuple[float, float],
    origin: float,
    stuck: Exponential,
) -> tuple[Exponential, Exponential]:
    """Choose the finest body with few values outside; they join `stuck` in the tail."""
    total = zeros + sum(int(counts.sum()) for _, counts in signs) + stuck.count
    room = int(SHARE * total) - (stuck.count + 1) // 2
    kept = _together(signs, stuck.count)
    if kept is signs:
        kept = _trimmed(signs, total, room, FEW)
    if kept is signs:
        return Exponential.fitted(scale, zeros, signs, extremes, origin), stuck
    steps = _steps(kept)
    kept = [_widened(cells, inner, steps) for cells, inner in zip(signs, kept, strict=True)]
    body = Exponential.fitted(scale, zeros, kept, extremes, origin)
    rest = [without(cells, inner) for cells, inner in zip(signs, kept, strict=True)]
    tail = Exponential.fitted(scale, 0, rest, extremes, origin)
    return body, tail.merge(stuck) if tail.count else stuck


def _together(signs: list[Cells], stuck: int) -> list[Cells]:
    """The cells without those, at most half of the values, that stand apart from the others.

    A number that means "missing" (9999, 10⁶) may be in many rows. What lies beyond a gap so wide
    that much resolution is lost over it has a histogram of its own in the tail.
    """
    best, kept = _steps(signs), signs
    if best < MUCH:
        return signs
    index, counts = max(signs, key=lambda cells: cells[0].size)
    if all(other.size for other, _ in signs):
        index, counts = (np.concatenate(part) for part in zip(*signs, strict=True))
        order = np.argsort(index, kind="stable")
        index, counts = index[order], counts[order]
    upto = np.cumsum(counts)
    share = 1 / 2 if upto[-1] + stuck >= _SOME else 3 / 4
    first, last = 0, index.size - 1
    narrowest = int(index[-1] - index[0])
    for _ in range(_GAPS):
        if first == last:
            break
        gap = first + int(np.diff(index[first : last + 1]).argmax())
        narrowest = min(narrowest, int(index[gap + 1] - index[gap]))
        before = int(upto[first - 1]) if first else 0
        if upto[gap] - before < upto[last] - upto[gap]:
            first = gap + 1
        else:
            last = gap
        inside = int(upto[last]) - (int(upto[first - 1]) if first else 0)
        if inside < share * (int(upto[-1]) + stuck):
            break
        inner = between(signs, int(index[first]), int(index[last]))
        steps = _steps(inner)
        if best - steps >= MUCH and narrowest >= _WIDE * int(index[last] - index[first]):
            best, kept = steps, inner
    return kept


def _trimmed(signs: list[Cells], total: int, allowed: int, few: int) -> list[Cells]:
    """The cells that stay in the body.

    A few values of a small sketch (a quarter at most) leave it for much resolution, and from one
    end only if that will do, so that those which leave are the odd ones; the share that is allowed
    leaves for any gain.
    """
    best, kept = _steps(signs), signs
    for room in range(1, few + 1):
        for low, high in ((room, 0), (0, room), (room, room)):
            if best < MUCH or 4 * (low + high) > total:
                continue
            inner = between(signs, *ends(signs, low, high))
            steps = _steps(inner)
            if best - steps >= MUCH:
                best, kept = steps, inner
    if allowed > 0 and best > 0:
        inner = between(signs, *ends(signs, allowed, allowed))
        steps = _steps(inner)
        if steps < best:
            best, kept = steps, inner
    return kept


def _steps(signs: list[Cells]) -> int:
    return max(
        steps_to_fit(int(index[0]), int(index[-1])) if index.size else 0 for index, _ in signs
    )


def ends(signs: list[Cells], low: int, high: int) -> tuple[int, int]:
    """First and last index that stay when at most `low` and `high` values leave the ends."""
    index = np.concatenate([index for index, _ in signs])
    order = np.argsort(index, kind="stable")
    below = np.cumsum(np.concatenate([counts for _, counts in signs])[order])
    first = int(np.searchsorted(below, low, side="right"))
    last = int(np.searchsorted(below, below[-1] - high, side="left"))
    if first > last:  # nothing would stay: keep the middle
        first = last = int(np.searchsorted(below, below[-1] / 2))
    return int(index[order[first]]), int(index[order[last]])


def between(signs: list[Cells], low: int, high: int) -> list[Cells]:
    """The cells from the index `low` to `high`."""
    inside = [(index >= low) & (index <= high) for index, _ in signs]
    return [(index[s], counts[s]) for (index, counts), s in zip(signs, inside, strict=True)]


def _widened(cells: Cells, kept: Cells, steps: int) -> Cells:
    """The kept cells and as many neighbours as fit into the buckets left, low ones first."""
    if not kept[0].size:
        return kept
    coarse = cells[0] >> steps
    high = int(kept[0][-1]) >> steps
    low = max(int(coarse[0]), high - MOST + 1)
    inside: npt.NDArray[np.bool_] = (coarse >= low) & (coarse <= low + MOST - 1)
    return cells[0][inside], cells[1][inside]


def without(cells: Cells, kept: Cells) -> Cells:
    """The cells below and above those that are kept."""
    if kept[0].size == cells[0].size:
        return cells[0][:0], cells[1][:0]
    if not kept[0].size:
        return cells
    outside = (cells[0] < kept[0][0]) | (cells[0] > kept[0][-1])
    return cells[0][outside], cells[1][outside]
