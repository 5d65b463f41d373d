"""Difference of the areas under two ROC curves on the same rows (DeLong et al., 1988).

In the O(n log n) form of Sun & Xu (2014): a row's structural component is the share of the rows
of the other class that it outranks, ties half, which sorting gives. It is of the rows of a window
and cannot be merged.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from otelml.data import Outcomes
from otelml.monitor.normal import normal_tail
from otelml.monitor.performance.interval import Z
from otelml.monitor.positive import scores_of
from otelml.monitor.segments import known
from otelml.sketch.array import Floats


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas of champion and challenger, and the standard error of their difference."""

    rows: int
    champion: float
    challenger: float
    error: float

    @classmethod
    def of(cls, pairs: Iterable[tuple[Outcomes, Outcomes]], positive: str) -> Self | None:
        """Of the rows with a truth and both scores of the positive class.

        Args:
            pairs: The window's rows, of champion and challenger in the same order, in pieces.
            positive: The class whose scores are compared; all others are its opposite.

        Returns:
            None with fewer than two rows of the class or of its opposite.

        """
        parts = [_scored(champion, challenger, positive) for champion, challenger in pairs]
        scored = np.concatenate([np.empty((3, 0)), *parts], axis=1)
        right, pair = scored[0] > 0, scored[1:]
        m, n = int(np.count_nonzero(right)), int(np.count_nonzero(~right))
        if min(m, n) < 2:
            return None
        above = np.stack([_outranked(s[right], s[~right]) for s in pair])
        below = np.stack([_outranked(s[~right], s[right]) for s in pair])
        variance = np.var(above[1] - above[0], ddof=1) / m + np.var(below[1] - below[0], ddof=1) / n
        areas = above.mean(axis=1)
        return cls(m + n, float(areas[0]), float(areas[1]), float(variance**0.5))

    @property
    def difference(self) -> float:
        """The challenger's area less the champion's."""
        return self.challenger - self.champion

    @property
    def p_value(self) -> float:
        """Two-sided."""
        if not self.error:
            return 0.0 if self.difference else 1.0
        return normal_tail(self.difference / self.error)

    @property
    def interval(self) -> tuple[float, float]:
        """Of the difference, at 95 %."""
        half = Z * self.error
        return self.difference - half, self.difference + half


def _scored(champion: Outcomes, challenger: Outcomes, positive: str) -> Floats:
    """Whether a row is of the class, and both scores, of the rows that have all."""
    pair = np.stack([scores_of(outcomes, positive) for outcomes in (champion, challenger)])
    kept = known(champion.truth) & np.isfinite(pair).all(axis=0)
    return np.vstack([champion.truth[kept] == positive, pair[:, kept]]).astype(np.float64)


def _outranked(scores: Floats, others: Floats) -> Floats:
    """Share of the others below each score, ties half.

    >>> _outranked(np.array([0.5, 0.9]), np.array([0.1, 0.5]))
    array([0.75, 1.  ])
    """
    ordered = np.sort(others)
    below, to = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    shares: Floats = (below + to) / (2 * len(others))
    return shares
