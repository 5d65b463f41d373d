"""Difference of the areas under two ROC curves on the same rows (DeLong et al., 1988).

In the O(n log n) form of Sun & Xu (2014): a row's structural component is the share of the rows
of the other class that it outranks, ties half, which sorting gives. It is of the rows of a window
and cannot be merged.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from otelml.data import Outcomes
from otelml.monitor.comparison import normal_quantile, normal_tail
from otelml.monitor.segments import known
from otelml.sketch.exponential import Floats


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas of champion and challenger, and the standard error of their difference."""

    rows: int
    champion: float
    challenger: float
    error: float

    @classmethod
    def of(cls, champion: Outcomes, challenger: Outcomes) -> Self | None:
        """Of the rows with a truth and both scores.

        None if it is not the same binary problem, or has fewer than two rows of either class.
        """
        classes = champion.classes
        if champion.scores is None or challenger.scores is None or len(classes) != 1:
            return None
        if challenger.classes != classes:
            return None
        pair = np.stack([champion.scores[:, 0], challenger.scores[:, 0]])
        kept = known(champion.truth) & np.isfinite(pair).all(axis=0)
        right, pair = (champion.truth == classes[0])[kept], pair[:, kept]
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

    def interval(self, level: float) -> tuple[float, float]:
        """Of the difference."""
        half = -normal_quantile(level / 2) * self.error
        return self.difference - half, self.difference + half


def _outranked(scores: Floats, others: Floats) -> Floats:
    """Share of the others below each score, ties half.

    >>> _outranked(np.array([0.5, 0.9]), np.array([0.1, 0.5]))
    array([0.75, 1.  ])
    """
    ordered = np.sort(others)
    below, to = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    shares: Floats = (below + to) / (2 * len(others))
    return shares
