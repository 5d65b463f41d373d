"""Predictions, truths and scores by group: sums alone, so that windows merge by adding.

A rate comes with the number of rows that it is of: of weighted rows the effective number,
(Σw)² / Σw² (Kish, 1965), "Survey Sampling".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np

from otelml.data import Outcomes
from otelml.monitor.positive import scores_of
from otelml.monitor.segments import codes, known, segment, take
from otelml.sketch.array import Floats

BINS: Final = 10
"""Bins of equal width that scores are counted in."""


_CELLS: Final = slice(1, 13)
_BINS: Final = slice(13, 13 + 3 * BINS)
_ERRORS: Final = slice(13 + 3 * BINS, 15 + 3 * BINS)


class Rates(NamedTuple):
    """A rate by group, the rows it is of, and the variance of one row; NaN where undefined."""

    values: Floats
    rows: Floats
    variances: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """Sums by group, sorted by `names`: shape (groups, 45).

    They are the rows; weights and squared weights by prediction (not the positive class, or it) and
    truth (not the positive class, it, unknown); and of the rows with a score and a truth, weight,
    score and truth in each bin of scores, and squared weights and squared errors of the score.
    """

    names: tuple[str, ...]
    sums: Floats

    def __post_init__(self) -> None:
        self.sums.setflags(write=False)

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls((), np.zeros((0, _ERRORS.stop)))

    @classmethod
    def of(cls, outcomes: Outcomes, column: str, positive: str) -> Self:
        """The groups of a segment column; rows without a group or a prediction are left out.

        Args:
            outcomes: The rows, of a classifier. Those without a truth count for selection only.
            column: The segment column.
            positive: The class whose prediction is the favourable, or the adverse, decision.

        """
        values = segment(outcomes, column)
        rows = take(outcomes, known(values) & known(outcomes.predicted))
        names, groups = codes(segment(rows, column))
        labelled, right = known(rows.truth), rows.truth == positive
        cells = np.where(labelled, right, 2) + 3 * (rows.predicted == positive)
        score, weight = scores_of(rows, positive), np.where(labelled, rows.weight, 0.0)
        weight = np.where((score >= 0) & (score <= 1), weight, 0.0)
        score = np.where(weight > 0, score, 0.0)
        bins = np.minimum((score * BINS).astype(np.int64), BINS - 1)
        whole = np.zeros_like(cells)
        parts = (
            (whole, 1, np.ones_like(weight)),
            (cells, 6, rows.weight),
            (cells, 6, rows.weight**2),
            (bins, BINS, weight),
            (bins, BINS, weight * score),
            (bins, BINS, weight * right),
            (whole, 1, weight**2),
            (whole, 1, weight * (score - right) ** 2),
        )
        sums = [
            np.bincount(groups * width + places, values, len(names) * width).reshape(-1, width)
            for places, width, values in parts
        ]
        return cls(names, np.hstack(sums))

    def merge(self, other: Self) -> Self:
        """The groups of both sets of rows."""
        names = tuple(sorted({*self.names, *other.names}))
        places = {name: place for place, name in enumerate(names)}
        sums = np.zeros((len(names), _ERRORS.stop))
        for part in (self, other):
            sums[[places[name] for name in part.names]] += part.sums
        return type(self)(names, sums)

    def dump(self) -> dict[str, Any]:
        """The sums as JSON."""
        return dict(zip(self.names, self.sums.tolist(), strict=True))

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` gave."""
        names = tuple(sorted(state))
        return cls(names, np.array([state[name] for name in names]).reshape(-1, _ERRORS.stop))

    @property
    def rows(self) -> Floats:
        """Rows of each group."""
        return self.sums[:, 0]

    @property
    def _cells(self) -> Floats:
        """Shape (groups, weight or squared weight, prediction, truth)."""
        return self.sums[:, _CELLS].reshape(-1, 2, 2, 3)

    @property
    def _bins(self) -> Floats:
        """Shape (groups, 3, bins): weight, score and truth."""
        return self.sums[:, _BINS].reshape(-1, 3, BINS)

    @property
    def selection(self) -> Rates:
        """Share of rows predicted as the positive class; the truth need not be known."""
        return _share(self._cells[:, :, 1].sum(-1), self._cells.sum((-2, -1)))

    @property
    def true_positive(self) -> Rates:
        """Share of rows of the positive class that were predicted as it: the recall."""
        return _share(self._cells[:, :, 1, 1], self._cells[..., 1].sum(-1))

    @property
    def false_positive(self) -> Rates:
        """Share of rows of other classes that were predicted as the positive one."""
        return _share(self._cells[:, :, 1, 0], self._cells[..., 0].sum(-1))

    @property
    def precision(self) -> Rates:
        """Share of rows predicted as the positive class that are of it."""
        return _share(self._cells[:, :, 1, 1], self._cells[:, :, 1, :2].sum(-1))

    @property
    def calibration(self) -> Rates:
        """Calibration in the large: mean score less the share of the positive class."""
        weight, score, right = self._bins.sum(-1).T
        squares, errors = self.sums[:, _ERRORS].T
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (score - right) / weight
            rows = weight**2 / squares
            return Rates(mean, rows, np.maximum(errors / weight - mean**2, 0))

    @property
    def calibration_error(self) -> Floats:
        """Expected calibration error over the bins (Naeini, Cooper & Hauskrecht, 2015)."""
        weight, score, right = np.moveaxis(self._bins, 1, 0)
        with np.errstate(invalid="ignore"):
            error: Floats = np.abs(score - right).sum(-1) / weight.sum(-1)
        return error


def _share(of: Floats, all_: Floats) -> Rates:
    """Shares, from weights and squared weights (groups, 2)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        values = of[:, 0] / all_[:, 0]
        return Rates(values, all_[:, 0] ** 2 / all_[:, 1], values * (1 - values))
