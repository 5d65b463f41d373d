"""Calibration of scores: the frequency of the class at each score, learnt from a baseline's bins.

Isotonic regression by pooling adjacent violators (Zadrozny & Elkan, 2002), and only where it helps:
probabilities are believed as they are unless calibration, learnt on one half of the rows, lowers
the Brier score of the other half in every one of a few splits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from otelml.sketch.array import Floats
from otelml.sketch.scores import Scores

_SPLITS: Final = 5
_SEED: Final = 20_261_121


@dataclass(frozen=True, slots=True)
class Calibration:
    """Frequencies of the class at some scores, linear between them; none: scores are trusted.

    `seen` are the scores that the baseline had, ascending, and `mass` their weights.
    """

    seen: Floats
    mass: Floats
    scores: Floats
    frequencies: Floats

    @classmethod
    def learn(cls, scores: Scores) -> Self:
        """The calibration of a baseline's scores, of the class and of others."""
        seen, mass = scores.bins.middles, scores.positive + scores.negative
        worth = sum(scores.weights) / sum(scores.squares)
        counts = np.round(np.stack([scores.positive, scores.negative]) * worth).astype(np.int64)
        if scores.are_probabilities and not _helps(seen, counts):
            return cls(seen, mass, np.zeros(0), np.zeros(0))
        return cls(seen, mass, *isotonic(seen, scores.positive, scores.negative))

    @property
    def trusts(self) -> bool:
        """Whether scores are probabilities as they are."""
        return not self.scores.size

    def probability(self, score: Floats) -> Floats:
        """The probability of the class at each score."""
        if self.trusts:
            return score
        return np.interp(score, self.scores, self.frequencies)


def calibrations(scores: Mapping[str, Scores]) -> dict[str, Calibration]:
    """The calibration of each class that some rows of a baseline were of, and others not."""
    return {name: Calibration.learn(found) for name, found in scores.items() if all(found.weights)}


def _helps(x: Floats, counts: np.typing.NDArray[np.int64]) -> bool:
    rng = np.random.default_rng(_SEED)  # any split does: a pure function needs the same one
    for _ in range(_SPLITS):
        half = rng.binomial(counts, 0.5)
        other = counts - half
        if not half.sum(axis=1).all():
            return False
        learnt = np.interp(x, *isotonic(x, *half.astype(np.float64)))
        if _brier(learnt, other) >= _brier(x, other):
            return False
    return True


def _brier(p: Floats, counts: np.typing.NDArray[np.int64]) -> float:
    return float(counts[0] @ (1 - p) ** 2 + counts[1] @ p**2)


def isotonic(x: Floats, positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """Rising frequencies of the positive at ascending `x`: the blocks' mean scores and shares.

    >>> isotonic(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 1.0]), np.array([1.0, 0.0, 1.0]))
    (array([1. , 2.5]), array([0.  , 0.75]))
    """
    blocks: list[tuple[float, float, float]] = []  # weight, Σ score, positives
    mass = positive + negative
    for m, s, p in zip(mass.tolist(), (mass * x).tolist(), positive.tolist(), strict=True):
        if not m:
            continue
        weight, score, hits = m, s, p
        while blocks and blocks[-1][2] * weight >= hits * blocks[-1][0]:
            before = blocks.pop()
            weight, score, hits = weight + before[0], score + before[1], hits + before[2]
        blocks.append((weight, score, hits))
    weights, scores, found = np.array(blocks).reshape(-1, 3).T
    return scores / weights, found / weights
