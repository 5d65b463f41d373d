"""ADWIN, adaptive windowing: two parts of the window since the last drift have different means.

Bifet & Gavaldà, Learning from Time-Changing Data with Adaptive Windowing (SDM 2007): a window is
cut in two wherever an exponential histogram has a boundary, and each cut is judged by a Bernstein
bound on the difference of the means.

The histogram merges its two oldest buckets of a size as soon as there is one more than `buckets`
of them. So where its boundaries lie follows from the number of values alone, and all that is to
be known is the sum up to each: log₂ n of them, times `buckets`.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from otelml.monitor.concept._bounded import Beginning, Bounded
from otelml.monitor.concept._detector import Bools, carried, first
from otelml.sketch.array import Floats, Ints


@dataclass(slots=True)
class Concept(Beginning):
    """What ADWIN knows; `sums`, up to each boundary, and `squares` are about the first value."""

    origin: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0])
    squares: float = 0.0
    least: float = 0.0
    most: float = 0.0


@dataclass(slots=True)
class ADWIN(Bounded):
    """ADWIN, two-sided: the mean error changes.

    `delta` bounds the chance of a false alarm of one look at the window, which comes every `clock`
    values. The bound holds for values between 0 and 1; for others `span`, their range, scales it.
    Without `span` the range seen so far does.

    As river, and unlike the paper, it starts anew after a drift instead of keeping the recent part
    of its window.

    >>> ADWIN().update([*[0, 0, 0, 0, 1] * 1000, *[0, 1] * 1000]).drifts
    [5087]
    """

    name: ClassVar[str] = "adwin"
    binary: ClassVar[bool] = False
    concept_type: ClassVar = Concept

    delta: float = 0.002
    clock: int = 32
    buckets: int = 5
    min_part: int = 5
    min_values: int = 100
    span: float | None = None
    concept: Concept = field(default_factory=Concept)

    def _judge(self, values: Floats) -> int | None:
        known = self.concept
        n = np.arange(known.n + 1, known.n + len(values) + 1)
        origin = known.origin if known.n else float(values[0])
        x = values - origin
        sums, squares = carried(known.sums[-1], x), carried(known.squares, x**2)
        least = np.minimum.accumulate(np.concatenate([[known.least], x]))[1:]
        most = np.maximum.accumulate(np.concatenate([[known.most], x]))[1:]
        # Boundaries never appear, they only vanish: all that matter are among these.
        places = np.concatenate([boundaries(known.n, self.buckets), n])
        prefix = np.concatenate([known.sums, sums])

        looks = np.flatnonzero((n % self.clock == 0) & (n > self.min_values))
        if len(looks):
            span = most - least if self.span is None else np.full(len(n), self.span)
            variance = np.maximum(squares / n - (sums / n) ** 2, 0)
            cut = self._cut(n[looks], places, prefix, variance[looks], span[looks])
            drift = first(cut)
            if drift is not None:
                self.concept = Concept()
                return int(looks[drift])
        kept = np.searchsorted(places, boundaries(int(n[-1]), self.buckets))
        known.n = int(n[-1])
        known.origin = origin
        known.sums, known.squares = prefix[kept].tolist(), float(squares[-1])
        known.least, known.most = float(least[-1]), float(most[-1])
        return None

    def _cut(self, n: Ints, places: Ints, prefix: Floats, variance: Floats, span: Floats) -> Bools:
        """Whether the window of the first n values is to be cut anywhere, for each n."""
        sizes = [boundaries(int(size), self.buckets)[1:-1] for size in n]
        look = np.repeat(np.arange(len(n)), [len(each) for each in sizes])
        older = np.concatenate(sizes)
        newer = n[look] - older
        long = (older >= self.min_part) & (newer >= self.min_part)
        look, older, newer = look[long], older[long], newer[long]
        sums = prefix[np.searchsorted(places, older)]
        totals = prefix[np.searchsorted(places, n)][look]
        difference = np.abs(sums / older - (totals - sums) / newer)
        # As river: its harmonic mean is of the parts' lengths beyond the shortest.
        shares = 1 / (older - self.min_part + 1) + 1 / (newer - self.min_part + 1)
        log = np.log(2 * np.log(n) / self.delta)[look]
        bound = np.sqrt(2 * shares * variance[look] * log) + 2 / 3 * log * shares * span[look]
        found = np.zeros(len(n), np.bool_)
        found[look[difference > bound]] = True
        return found


def boundaries(n: int, most: int) -> Ints:
    """Where the buckets of n values begin and end, oldest first, with at most `most` of a size.

    >>> boundaries(9, 3).tolist()
    [0, 2, 4, 6, 7, 8, 9]
    """
    levels = [np.array([n])]
    size, count = 1, n
    while count:
        # As one more than `most` becomes two fewer and one of the next size.
        merged = max(0, (count - most + 1) // 2)
        levels.append(np.arange(2 * merged, count) * size)
        size, count = 2 * size, merged
    return np.concatenate(levels[::-1])
