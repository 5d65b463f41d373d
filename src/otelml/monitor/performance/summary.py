"""What is kept of the outcomes of one window: a pure function of its rows that merges exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np

from otelml.data import Outcomes
from otelml.sketch.array import Floats
from otelml.sketch.confusion import Confusion
from otelml.sketch.residuals import Residuals
from otelml.sketch.scores import Scores
from otelml.sketch.weighted import Weighted

_EPSILON: Final = float(np.finfo(np.float64).eps)
_WHOLE: Final = 0.999
"""Sum of the probabilities of a row from which on no class is left out of it."""


def _none() -> Mapping[str, Scores]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Summary:
    """Confusion, scores by class, losses of the rows' probabilities, and errors of a regression.

    `rows` are those with a truth. `log_loss` is −ln p of the true class, p clipped to [ε, 1 − ε];
    `brier` the squared distance from the truth: (y − p)² of one score, summed over the classes of
    several (Brier, 1950). Rows whose scores are no probabilities have neither.

    >>> outcomes = Outcomes(np.array(["a", "b"], object), np.array(["a", "a"], object), np.ones(2))
    >>> Summary.of(outcomes).confusion.right
    1.0
    """

    rows: int = 0
    confusion: Confusion = field(default_factory=Confusion)
    scores: Mapping[str, Scores] = field(default_factory=_none)
    log_loss: Weighted = field(default_factory=Weighted)
    brier: Weighted = field(default_factory=Weighted)
    residuals: Residuals = field(default_factory=Residuals)

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls()

    @classmethod
    def of(cls, outcomes: Outcomes) -> Self:
        """The summary of some rows; those without a truth are left out."""
        if not outcomes.classifies:
            rows = int(np.count_nonzero(~np.isnan(outcomes.truth)))
            residuals = Residuals.of(
                outcomes.predicted, outcomes.truth, outcomes.weight, outcomes.low, outcomes.high
            )
            return cls(rows, residuals=residuals)
        truth = outcomes.truth
        known = np.array([true is not None for true in truth], np.bool_)
        confusion = Confusion.of(truth, outcomes.predicted, outcomes.weight)
        rows = int(known.sum())
        if outcomes.scores is None or not outcomes.classes:
            return cls(rows, confusion)
        weight = outcomes.weight[known]
        hits = np.stack([truth[known] == name for name in outcomes.classes], axis=1)
        hits = hits.astype(np.bool_)
        p = outcomes.scores[known]
        scores = {
            name: Scores.of(p[:, slot], hits[:, slot], weight)
            for slot, name in enumerate(outcomes.classes)
        }
        return cls(rows, confusion, MappingProxyType(scores), *_losses(p, hits, weight))

    def merge(self, other: Self) -> Self:
        """The summary of both."""
        scores = dict(self.scores)
        for name, found in other.scores.items():
            scores[name] = scores[name].merge(found) if name in scores else found
        return type(self)(
            self.rows + other.rows,
            self.confusion.merge(other.confusion),
            MappingProxyType(dict(sorted(scores.items()))),
            self.log_loss.merge(other.log_loss),
            self.brier.merge(other.brier),
            self.residuals.merge(other.residuals),
        )

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "rows": self.rows,
            "confusion": self.confusion.dump(),
            "scores": {name: scores.dump() for name, scores in self.scores.items()},
            "log_loss": self.log_loss.dump(),
            "brier": self.brier.dump(),
            "residuals": self.residuals.dump(),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` described."""
        return cls(
            state["rows"],
            Confusion.load(state["confusion"]),
            MappingProxyType({name: Scores.load(s) for name, s in state["scores"].items()}),
            Weighted.load(state["log_loss"]),
            Weighted.load(state["brier"]),
            Residuals.load(state["residuals"]),
        )


def _losses(p: Floats, hits: Any, weight: Floats) -> tuple[Weighted, Weighted]:
    """Log loss and Brier score of rows (rows, classes); one column is the positive class."""
    kept = ((p >= 0) & (p <= 1)).all(axis=1)  # NaN is neither
    p, hits, weight = p[kept], hits[kept], weight[kept]
    squared = ((p - hits) ** 2).sum(axis=1)
    if p.shape[1] == 1:
        true = np.where(hits, p, 1 - p)[:, 0]
        known = np.ones(true.shape, np.bool_)
    else:  # a class that has no column was given no probability, unless columns were left out
        true = (p * hits).sum(axis=1)
        known = hits.any(axis=1) | (p.sum(axis=1) >= _WHOLE)
        squared = squared + ~hits.any(axis=1)
    losses = -np.log(np.clip(true, _EPSILON, 1 - _EPSILON))
    return Weighted.of(losses[known], weight[known]), Weighted.of(squared[known], weight[known])
