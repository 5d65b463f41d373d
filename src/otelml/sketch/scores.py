"""Scores of one class, by whether it was the truth.

They lie in bins that fit themselves (see `bins`): exact up to `MOST` distinct scores; beyond it
probabilities have at least 64 bins an octave, 8 within 2⁻⁷ of either end, whatever odd values are
among them, and scores that are no probabilities bins of a relative width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats
from otelml.sketch.bins import Bins

MOST: Final = 2048
"""Bins that may be filled."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Weights of rows of the class, and of other rows, by the bin of their score.

    `squares` are the sums of the squared weights of both.

    >>> Scores.of(np.array([0.2, 0.9]), np.array([False, True])).sizes
    (1.0, 1.0)
    """

    bins: Bins
    squares: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls(Bins.empty(2, MOST))

    @classmethod
    def of(
        cls, score: Floats, positive: npt.NDArray[np.bool_], weight: Floats | None = None
    ) -> Self:
        """Scores of rows beside whether each is of the class; those not finite are left out."""
        w = np.ones(score.shape) if weight is None else weight
        kept = np.isfinite(score) & (w > 0)
        score, positive, w = score[kept], positive[kept], w[kept]
        columns = np.stack([w * positive, w * ~positive], axis=1)
        squares = (columns * columns).sum(axis=0)
        return cls(Bins.of(score, columns, MOST), (float(squares[0]), float(squares[1])))

    def merge(self, other: Self) -> Self:
        """The scores of both."""
        (a, b), (c, d) = self.squares, other.squares
        return type(self)(self.bins.merge(other.bins), (a + c, b + d))

    @property
    def positive(self) -> Floats:
        """Weight of the class in each bin, by ascending score."""
        return self.bins.sums[:, 0]

    @property
    def negative(self) -> Floats:
        """Weight of the other classes in each bin."""
        return self.bins.sums[:, 1]

    @property
    def weights(self) -> tuple[float, float]:
        """Weight of the class, and of the others."""
        return float(self.positive.sum()), float(self.negative.sum())

    @property
    def sizes(self) -> tuple[float, float]:
        """Rows of equal weight that both are worth (Kish, 1965)."""
        pairs = zip(self.weights, self.squares, strict=True)
        p, n = (weight**2 / squares if squares else 0.0 for weight, squares in pairs)
        return p, n

    @property
    def are_probabilities(self) -> bool:
        """Whether there are scores, and all lie in [0, 1]."""
        lower, upper = self.bins.edges
        return bool(lower.size and lower[0] >= 0 and upper[-1] <= 1)

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {"bins": self.bins.dump(), "squares": [*self.squares]}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` described."""
        p, n = state["squares"]
        return cls(Bins.load(state["bins"], MOST), (p, n))
