"""Errors of a regression before labels come: what was seen at such predictions.

Direct loss estimation (NannyML's DLE) with the prediction's own bin as the regressor: the expected
|error| and error² of a window are the baseline's means by bin of the prediction, weighted by where
the window's predictions lie. It holds as long as the error given the prediction stays what it was.
"""

from typing import Final

import numpy as np

from otelml.monitor.performance.summary import Summary
from otelml.sketch.array import Floats
from otelml.sketch.distribution import Distribution
from otelml.sketch.residuals import Residuals
from otelml.sketch.weighted import Weighted

BINS: Final = 30
ROWS: Final = 100
"""A bin has at least a thirtieth of the baseline's rows, or this many."""


def estimate_loss(reference: Residuals, predictions: Distribution) -> Summary:
    """The expected summary of a window without labels: |error| and error² alone."""
    rows = predictions.count
    if not rows or not reference.by_prediction.index.size:
        return Summary()
    inner, sums = _enough(reference)
    shares = predictions.counts_between(inner) / rows
    absolute, squared, quartic = shares @ (sums[:, 1:] / sums[:, :1])
    return Summary(
        rows,
        residuals=Residuals(
            absolute=_moments(rows, absolute, squared), squared=_moments(rows, squared, quartic)
        ),
    )


def _enough(reference: Residuals) -> tuple[Floats, Floats]:
    """Inner edges of bins with rows enough to know their errors, and the sums in them.

    Where there are many rows bins stay narrow, so that a window in a tail of the baseline is judged
    by that tail.
    """
    bins, rows = reference.by_prediction, reference.squared.effective
    least = min(1 / BINS, ROWS / rows) * float(bins.sums[:, 0].sum())
    starts, filled = [0], 0.0
    for slot, weight in enumerate(bins.sums[:, 0].tolist()):
        if filled >= least:
            starts.append(slot)
            filled = 0.0
        filled += weight
    if filled < least and len(starts) > 1:
        starts.pop()
    lower, upper = bins.edges
    first = np.array(starts)
    inner = (lower[first[1:]] + upper[first[1:] - 1]) / 2
    return inner, np.add.reduceat(bins.sums, first, axis=0)


def _moments(rows: int, mean: float, square: float) -> Weighted:
    return Weighted(rows, rows, float(mean), 0.0, rows * max(float(square - mean**2), 0.0))
