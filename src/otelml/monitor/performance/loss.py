"""Errors of a regression before labels come: what was seen at such predictions.

Direct loss estimation (NannyML's DLE) with the prediction's own bin as the regressor: the expected
|error| and error² of a window are the baseline's means by bin of the prediction, weighted by where
the window's predictions lie. It holds as long as the error given the prediction stays what it was.
"""

from typing import Final

import numpy as np

from otelml.monitor.performance.summary import Summary
from otelml.sketch.distribution import Distribution
from otelml.sketch.exponential import Floats
from otelml.sketch.residuals import Residuals
from otelml.sketch.weighted import Weighted

BINS: Final = 30


def estimate_loss(reference: Residuals, predictions: Distribution) -> Summary:
    """The expected summary of a window without labels: |error| and error² alone."""
    rows = predictions.count
    if not rows or not reference.by_prediction.index.size:
        return Summary()
    inner, sums = _quantile_bins(reference)
    shares = predictions.counts_between(inner) / rows
    absolute, squared, quartic = shares @ (sums[:, 1:] / sums[:, :1])
    return Summary(
        rows,
        residuals=Residuals(
            absolute=_moments(rows, absolute, squared), squared=_moments(rows, squared, quartic)
        ),
    )


def _quantile_bins(reference: Residuals) -> tuple[Floats, Floats]:
    """Inner edges of about so many bins of equal weight, and the sums in them."""
    bins = reference.by_prediction
    below = np.cumsum(bins.sums[:, 0])
    slots = np.minimum((below - bins.sums[:, 0] / 2) / below[-1] * BINS, BINS - 1).astype(np.int64)
    starts = np.flatnonzero(np.diff(slots, prepend=-1))
    lower, upper = bins.edges
    inner = (lower[starts[1:]] + upper[starts[1:] - 1]) / 2
    return inner, np.add.reduceat(bins.sums, starts, axis=0)


def _moments(rows: int, mean: float, square: float) -> Weighted:
    return Weighted(rows, rows, float(mean), 0.0, rows * max(float(square - mean**2), 0.0))
