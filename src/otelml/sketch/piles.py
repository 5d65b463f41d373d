"""Where inside a bucket the values are that pile up towards a bound, as shares do towards one.

A straight line through such a bucket puts a decile of a U-shaped feature far from where it is.
"""

import math
from typing import Final

import numpy as np

from otelml.sketch.array import Floats, Ints

HEAVY: Final = 0.05
"""Share of the values in a bucket from which on it is looked into."""

_DROP: Final = 20
"""Ratio of densities at which values end: an odd one beyond is no reason to draw another line."""

_HALVES: Final = 0.5 ** np.arange(1, 9)


def piles(lower: Floats, upper: Floats, below: Floats, heavy: Ints) -> list[tuple[Floats, Floats]]:
    """More edges, and how many values are below each, in `heavy` buckets that values pile up in.

    `lower` and `upper` bound the buckets, `below` are the counts before each and of all. Values
    pile up where they are denser than in the bucket before and then end. Within a distance d of
    the bound where they do, there are as many as a power of d; which power, the two buckets tell.

    >>> bounds = np.array([0.0, 0.5, 1.0])
    >>> [(x, y)] = piles(bounds[:-1], bounds[1:], np.array([0.0, 3.0, 10.0]), np.array([1]))
    >>> x[:2], y[:2].round(2)
    (array([0.75 , 0.875]), array([5.1 , 6.57]))
    """
    found = []
    lows, highs, sums = lower.tolist(), upper.tolist(), below.tolist()
    for i in heavy.tolist():
        for step, start, end in ((1, lows, highs), (-1, highs, lows)):
            before, after = i - step, i + step
            if not 0 <= before < len(lows) or end[before] != start[i]:
                continue
            few, near = sums[i + 1] - sums[i], abs(end[i] - start[i])
            many, far = few + sums[before + 1] - sums[before], abs(end[i] - start[before])
            if not 0 < many * near < few * far:
                continue
            if 0 <= after < len(lows) and start[after] == end[i]:
                count, width = sums[after + 1] - sums[after], abs(end[after] - end[i])
                if few * width <= _DROP * count * near:
                    continue
            power = math.log(many / few) / math.log(far / near)
            inside = few * _HALVES**power
            height = sums[i + (step > 0)]
            found.append((end[i] - step * near * _HALVES, height - step * inside))
    return found
