"""EDDM, the Early Drift Detection Method: errors come closer together than they ever did.

Baena-García and others, Early Drift Detection Method (IWKDDS 2006): with the mean p′ of the
distances between errors and their standard deviation s′, a drift is a p′ + 2 s′ below β = 0.9 of
the greatest that it was, a warning one below α = 0.95.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np

from otelml.monitor.concept._detector import Detector, carried, first, onsets
from otelml.sketch.array import Floats

_NOISE: Final = math.sqrt(13) / 3
"""Standard error of p′ + 2 s′ over k distances, relative to it, times √k.

For exponential distances, the most variable that a constant rate of errors makes: with mean 1,
k var(p′) = 1, k var(s′) = 2 and k cov(p′, s′) = 1, so k var(p′ + 2 s′) = 1 + 4·2 + 4·1.
"""


@dataclass(slots=True)
class Concept:
    """What EDDM knows: values, the last error's place, and sums over distances between errors."""

    n: int = 0
    last: int = 0
    errors: int = 0
    distance: float = 0.0
    squares: float = 0.0
    greatest: float = 0.0
    warned: bool = False


@dataclass(slots=True)
class EDDM(Detector):
    """EDDM, one-sided: errors become more frequent.

    The paper compares two noisy numbers as if they were exact, and so cries wolf. Ours compares
    the upper end of the present one with the lower end of the greatest, each `confidence` standard
    errors away; 0 gives the paper.

    >>> EDDM().update([*[0, 0, 0, 0, 0, 0, 1, 1] * 1000, *[0, 1] * 3000]).drifts
    [10321]
    """

    name: ClassVar[str] = "eddm"
    binary: ClassVar[bool] = True
    concept_type: ClassVar = Concept

    min_errors: int = 30
    warning: float = 0.98
    drift: float = 0.95
    confidence: float = 2.5
    concept: Concept = field(default_factory=Concept)

    def _run(self, values: Floats) -> tuple[int | None, list[int]]:
        known = self.concept
        places = np.flatnonzero(values)
        if not len(places):
            known.n += len(values)
            return None, []
        n = known.n + 1 + places
        count = np.arange(known.errors + 1, known.errors + len(n) + 1)
        distance = np.diff(n, prepend=known.last)
        sums = carried(known.distance, distance)
        squares = carried(known.squares, distance**2)
        variance = (squares - sums**2 / count) / np.maximum(count - 1, 1)
        level = sums / count + 2 * np.sqrt(np.maximum(variance, 0))

        band = self.confidence * _NOISE / np.sqrt(count)
        # As river: the greatest counts from the 30th value on, not from the 30th error.
        low = np.where(n > self.min_errors, level * (1 - band), 0)
        greatest = np.maximum.accumulate(np.concatenate([[known.greatest], low]))
        judged = (count > self.min_errors) & (low <= greatest[:-1])
        high = level * (1 + band)
        drift = first(judged & (high < self.drift * greatest[1:]))
        warned = judged & (high < self.warning * greatest[1:])
        if drift is not None:
            warned[drift] = False
            begun = onsets(warned[: drift + 1], known.warned)
            self.concept = Concept()
            return int(places[drift]), places[begun].tolist()
        self.concept = Concept(
            known.n + len(values),
            int(n[-1]),
            int(count[-1]),
            float(sums[-1]),
            float(squares[-1]),
            float(greatest[-1]),
            bool(warned[-1]),
        )
        return None, places[onsets(warned, known.warned)].tolist()
