"""Histogram of probabilities over fixed bounds, fine where confident models live.

Bounds stand at every 0.01 and, beyond 0.01 and 0.99, a quarter logit apart down to 10⁻⁶ from
either end: every OTLP backend takes such a histogram, and merging is adding.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints
from otelml.sketch.distribution import Distribution


def _bounds() -> npt.NDArray[np.float64]:
    logit = np.log(0.01 / 0.99) - 0.25 * np.arange(1, 100)
    tail = 1 / (1 + np.exp(-logit))
    low = tail[tail >= 1e-6][::-1]
    return np.concatenate([low, np.arange(1, 100) / 100, 1 - low[::-1]])


BOUNDS: Final = _bounds()
BOUNDS.setflags(write=False)
EDGES: Final = np.concatenate([[0.0], BOUNDS, [1.0]])
EDGES.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Probability(Distribution):
    """Counts of values in [0, 1] between `BOUNDS`, each bucket closed above, and their sum.

    Values outside [0, 1] are `mismatched`: they are not probabilities.

    >>> Probability.of(np.array([0.25, 0.75, np.nan])).mean
    0.5
    """

    counts: npt.NDArray[np.int64]
    sum: float = 0.0
    missing: int = 0
    mismatched: int = 0

    def __post_init__(self) -> None:
        if self.counts.shape != (BOUNDS.size + 1,):
            raise ValueError(
                f"{self.counts.size} bucket counts do not fit {BOUNDS.size} bounds: "
                f"give {BOUNDS.size + 1}"
            )
        self.counts.setflags(write=False)

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls(np.zeros(BOUNDS.size + 1, np.int64))

    @classmethod
    def of(cls, values: npt.NDArray[np.float64], mismatched: int = 0) -> Self:
        """The sketch of a 1-d array; NaN is missing."""
        present = values[~np.isnan(values)]
        inside = present[(present >= 0) & (present <= 1)]
        slots = np.searchsorted(BOUNDS, inside, side="left")
        return cls(
            np.bincount(slots, minlength=BOUNDS.size + 1),
            float(inside.sum()),
            values.size - present.size,
            present.size - inside.size + mismatched,
        )

    def merge(self, other: Self) -> Self:
        """The sketch of both."""
        return type(self)(
            self.counts + other.counts,
            self.sum + other.sum,
            self.missing + other.missing,
            self.mismatched + other.mismatched,
        )

    def minus(self, earlier: Self) -> Self | None:
        """What came since `earlier`; None if a count fell, so that it was a reset."""
        counts = self.counts - earlier.counts
        if counts.min() < 0:
            return None
        return type(self)(
            counts,
            max(self.sum - earlier.sum, 0.0),
            self.missing - earlier.missing,
            self.mismatched - earlier.mismatched,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Probability)
            and np.array_equal(self.counts, other.counts)
            and (self.sum, self.missing, self.mismatched)
            == (other.sum, other.missing, other.mismatched)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds an array

    @cached_property
    def count(self) -> int:
        """Probabilities seen."""
        return int(self.counts.sum())

    @property
    def observations(self) -> int:
        """Values seen, missing and mismatched ones included."""
        return self.count + self.missing + self.mismatched

    @property
    def mean(self) -> float:
        """Exact mean; NaN of nothing."""
        return self.sum / self.count if self.count else float("nan")

    @cached_property
    def variance(self) -> float:
        """Variance with every value at its bucket's middle; NaN of nothing."""
        if not self.count:
            return float("nan")
        middles = (EDGES[1:] + EDGES[:-1]) / 2
        return float(self.counts @ (middles - self.mean) ** 2) / self.count

    def cumulative(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Edges, and how many values are at or below each."""
        return EDGES, self._below

    @cached_property
    def _below(self) -> npt.NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self.counts)])

    def buckets(self) -> tuple[Floats, Floats, Ints]:
        """Bounds and counts of the filled buckets."""
        filled = np.flatnonzero(self.counts)
        return EDGES[filled], EDGES[filled + 1], self.counts[filled]
