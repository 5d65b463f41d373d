"""Expected calibration error: mean distance of probability and frequency over ten equal masses.

Guo et al. (2017), "On Calibration of Modern Neural Networks", with bins of equal mass (Nixon et
al., 2019). Noise alone makes it positive: Σ wᵦ σᵦ √(2/π) of a calibrated model. The lower end of
the interval takes that off.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from otelml.monitor.performance._curves import of_scores
from otelml.monitor.performance.check import Better
from otelml.monitor.performance.interval import Value, Z
from otelml.sketch.array import Floats
from otelml.sketch.scores import Scores

BINS: Final = 10


class Curve(NamedTuple):
    """Calibration curve: mean probability, frequency of the class, and weight of each bin."""

    probability: Floats
    frequency: Floats
    weight: Floats

    @property
    def gaps(self) -> Floats:
        """Distance of frequency and probability in each bin."""
        return np.abs(self.frequency - self.probability)

    @property
    def worst(self) -> float:
        """Maximum calibration error."""
        return float(self.gaps.max())


def curve(scores: Scores, bins: int = BINS) -> Curve | None:
    """The curve over bins of equal mass; None of scores that are no probabilities."""
    if not scores.are_probabilities:
        return None
    mass = scores.positive + scores.negative
    totals = np.stack([mass, mass * scores.bins.middles, scores.positive])
    below = np.concatenate([np.zeros((3, 1)), np.cumsum(totals, axis=1)], axis=1)
    cuts = np.linspace(0, below[0, -1], bins + 1)
    weight, probability, hits = (np.diff(np.interp(cuts, below[0], row)) for row in below)
    return Curve(probability / weight, hits / weight, weight)


def _error(scores: Scores) -> Value | None:
    found = curve(scores)
    if found is None:
        return None
    shares = found.weight / found.weight.sum()
    value = float(shares @ found.gaps)
    rows = found.weight * (found.weight.sum() / sum(scores.squares))
    variances = found.frequency * (1 - found.frequency) / rows
    noise = float(shares @ np.sqrt(variances)) * math.sqrt(2 / math.pi)
    half = Z * math.sqrt(float(shares**2 @ variances))
    return Value(value, max(value - noise - half, 0.0), min(value + half, 1.0))


METRIC = of_scores("calibration_error", Better.LOWER, _error)
