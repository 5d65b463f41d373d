"""Sums of exponential histograms, in place: what makes a window of many points cheap."""

from functools import reduce
from math import isnan, nan
from typing import Final

import numpy as np

from otelml.sketch.buckets import Buckets, filled
from otelml.sketch.exponential import Exponential

_WIDEST: Final = 4096
"""Buckets held densely; histograms far apart at a fine scale are merged instead."""

_APART: Final = 16


class Dense:
    """Sum of histograms of one scale and origin, in arrays that grow as needed."""

    def __init__(self, scale: int, origin: float) -> None:
        self.scale, self.origin = scale, origin
        self.zeros, self.minimum, self.maximum = 0, nan, nan
        self.positive, self.negative = _Side(), _Side()
        self.apart: list[Exponential] = []

    def add(self, histogram: Exponential) -> None:
        """Add a histogram of this scale and origin."""
        up, down = histogram.positive, histogram.negative
        some_up, some_down = len(up.counts), len(down.counts)
        if (some_up and not self.positive.covers(up)) or (
            some_down and not self.negative.covers(down)
        ):
            self.apart.append(histogram)
            if len(self.apart) > _APART:
                self.apart = [reduce(Exponential.merge, self.apart)]
            return
        if some_up:
            self.positive.add(up)
        if some_down:
            self.negative.add(down)
        self.zeros += histogram.zeros
        low, high = histogram.minimum, histogram.maximum
        if not isnan(low):
            if isnan(self.minimum):
                self.minimum, self.maximum = low, high
            else:
                self.minimum, self.maximum = min(low, self.minimum), max(high, self.maximum)

    def whole(self) -> list[Exponential]:
        """What was added, each in as many buckets as an exponential histogram may have."""
        cells = [filled(side.offset, side.counts) for side in (self.positive, self.negative)]
        extremes = self.minimum, self.maximum
        dense = Exponential.fitted(self.scale, self.zeros, cells, extremes, self.origin)
        return [h for h in (dense, *self.apart) if h.count]


class _Side:
    """The buckets of one sign."""

    def __init__(self) -> None:
        self.offset = 0
        self.counts = np.zeros(0, np.int64)

    def covers(self, buckets: Buckets) -> bool:
        """Grow to cover these buckets, unless it would get too wide."""
        held, offset = len(self.counts), self.offset
        low = buckets.offset
        high = low + len(buckets.counts)
        if held:
            if offset <= low and high <= offset + held:
                return True
            low, high = min(offset, low), max(offset + held, high)
        if high - low > _WIDEST:
            return False
        grown = np.zeros(high - low, np.int64)
        if held:
            grown[offset - low : offset - low + held] = self.counts
        self.counts, self.offset = grown, low
        return True

    def add(self, buckets: Buckets) -> None:
        """Add what it covers."""
        new = buckets.counts
        start = buckets.offset - self.offset
        covered = self.counts[start : start + len(new)]  # a view, so that nothing is stored again
        covered += new
