"""Streams of errors with a known truth, one level after the other."""

from collections.abc import Sequence

import numpy as np

from otelml.sketch.array import Floats

Levels = Sequence[tuple[float, int]]
"""Error rates, or mean scales, each with the number of its values."""


def wrong(levels: Levels, seed: int = 0) -> Floats:
    """Errors of 0 and 1."""
    rng = np.random.default_rng(seed)
    return np.concatenate([(rng.random(length) < rate) * 1.0 for rate, length in levels])


def absolute(levels: Levels, seed: int = 0) -> Floats:
    """Absolute errors, of a normal law."""
    rng = np.random.default_rng(seed)
    return np.concatenate([np.abs(rng.normal(0, scale, length)) for scale, length in levels])
