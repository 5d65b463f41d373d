"""Errors of a regression: exact moments, and sums by the prediction's bin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from otelml.sketch.array import Floats
from otelml.sketch.bins import Bins
from otelml.sketch.dependence import Dependence
from otelml.sketch.weighted import Weighted

MOST: Final = 256
"""Bins of predictions that may be filled."""

_EPSILON: Final = float(np.finfo(np.float64).eps)
_LARGE: Final = 2.0**128
"""Errors are taken to be no larger where they are squared, and so have finite moments."""

_MOMENTS: Final = ("error", "absolute", "squared", "relative", "target", "covered")


def _bins() -> Bins:
    return Bins.empty(4, MOST)


@dataclass(frozen=True, slots=True)
class Residuals:
    """Moments of errors (prediction minus truth), and what they are measured against.

    `relative` is |error| / max(|truth|, ε), ε as scikit-learn has it; `covered` is 1 where the
    truth lies in the interval that the model gave, of rows that have one. `by_prediction` has the
    sums of weight, |error|, error² and error⁴ by the bin of the prediction.

    >>> Residuals.of(np.array([3.0, 5.0]), np.array([2.0, 7.0])).absolute.mean
    1.5
    """

    error: Weighted = field(default_factory=Weighted)
    absolute: Weighted = field(default_factory=Weighted)
    squared: Weighted = field(default_factory=Weighted)
    relative: Weighted = field(default_factory=Weighted)
    target: Weighted = field(default_factory=Weighted)
    covered: Weighted = field(default_factory=Weighted)
    dependence: Dependence = field(default_factory=Dependence)
    by_prediction: Bins = field(default_factory=_bins)

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls()

    @classmethod
    def of(
        cls,
        predicted: Floats,
        truth: Floats,
        weight: Floats | None = None,
        low: Floats | None = None,
        high: Floats | None = None,
    ) -> Self:
        """Errors of rows that have both numbers, finite."""
        w = np.ones(truth.shape) if weight is None else weight
        kept = np.isfinite(predicted) & np.isfinite(truth) & (w > 0)
        y, f, w = truth[kept], predicted[kept], w[kept]
        error = f - y
        absolute = np.abs(error)
        squared = np.square(np.minimum(absolute, _LARGE))
        return cls(
            Weighted.of(error, w),
            Weighted.of(absolute, w),
            Weighted.of(squared, w),
            Weighted.of(absolute / np.maximum(np.abs(y), _EPSILON), w),
            Weighted.of(y, w),
            _covered(y, w, low, high, kept),
            Dependence.of(y, squared, w),
            Bins.of(f, np.stack([w, w * absolute, w * squared, w * squared**2], axis=1), MOST),
        )

    def merge(self, other: Self) -> Self:
        """The errors of both."""
        moments = {name: getattr(self, name).merge(getattr(other, name)) for name in _MOMENTS}
        return type(self)(
            **moments,
            dependence=self.dependence.merge(other.dependence),
            by_prediction=self.by_prediction.merge(other.by_prediction),
        )

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        moments = {name: getattr(self, name).dump() for name in _MOMENTS}
        return moments | {
            "dependence": self.dependence.dump(),
            "by_prediction": self.by_prediction.dump(),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` described."""
        moments = {name: Weighted.load(state[name]) for name in _MOMENTS}
        return cls(
            **moments,
            dependence=Dependence.load(state["dependence"]),
            by_prediction=Bins.load(state["by_prediction"], MOST),
        )


def _covered(
    truth: Floats, weight: Floats, low: Floats | None, high: Floats | None, kept: Any
) -> Weighted:
    if low is None or high is None:
        return Weighted()
    low, high = low[kept], high[kept]
    known = ~(np.isnan(low) | np.isnan(high))
    inside = (low <= truth) & (truth <= high)
    return Weighted.of(inside[known].astype(np.float64), weight[known])
