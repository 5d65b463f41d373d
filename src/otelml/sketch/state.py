"""Histograms as JSON, to be kept between one process and the next."""

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from otelml.sketch.array import Ints
from otelml.sketch.buckets import Buckets
from otelml.sketch.exponential import Exponential
from otelml.sketch.probability import Probability


def dump_exponential(histogram: Exponential) -> list[Any]:
    """A histogram, for JSON."""
    h = histogram
    extremes = [None if math.isnan(x) else x for x in (h.minimum, h.maximum)]
    signs = [[b.offset, _packed(b.counts)] for b in (h.positive, h.negative)]
    return [h.scale, h.zeros, *signs, *extremes, h.origin]


def load_exponential(state: Sequence[Any]) -> Exponential:
    """The histogram that `dump_exponential` described.

    Raises:
        ValueError, TypeError: it described none.

    """
    scale, zeros, positive, negative, *extremes, origin = state
    up, down = (Buckets(offset, _unpacked(counts)) for offset, counts in (positive, negative))
    low, high = (math.nan if x is None else x for x in extremes)
    return Exponential(scale, zeros, up, down, low, high, origin)


def dump_probability(histogram: Probability) -> list[Any]:
    """A histogram's counts and sum, for JSON."""
    return [_packed(histogram.counts), histogram.sum]


def load_probability(state: Sequence[Any]) -> Probability:
    """The histogram that `dump_probability` described.

    Raises:
        ValueError, TypeError: it described none.

    """
    counts, total = state
    return Probability(_unpacked(counts), total)


def _packed(counts: Ints) -> str:
    return base64.b64encode(counts.astype("<i8").tobytes()).decode()


def _unpacked(text: str) -> Ints:
    return np.frombuffer(base64.b64decode(text), "<i8").astype(np.int64)
