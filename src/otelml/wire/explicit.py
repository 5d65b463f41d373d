"""Histograms with fixed bounds, for readers that cannot carry exponential ones (Prometheus)."""

from typing import TYPE_CHECKING, Final

import numpy as np

from otelml.data import Role
from otelml.sketch.numeric import Numeric

if TYPE_CHECKING:
    from otelml.sketch.array import Floats, Ints

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75,
                   1.0, 2.5, 5.0, 10.0)  # fmt: skip
_BOUNDS: Final = {
    Role.DURATION: _SECONDS,
    Role.CLIENT_DURATION: _SECONDS,
    Role.LOAD_DURATION: (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
    Role.BATCH_SIZE: tuple(float(2**k) for k in range(11)),
}
_QUANTILES: Final = np.array([0.001, 0.01, *np.arange(0.05, 1.0, 0.05), 0.99, 0.999])
_ENOUGH: Final = 200
"""Values that tell where bounds should be; often the first sketch is that of a single row."""


class Explicit:
    """Cumulative counts between bounds that are chosen on the first sketch.

    They are kept; once there are enough values, others join them.
    """

    def __init__(self, role: Role, first: Numeric) -> None:
        self.bounds: Floats = np.array(_BOUNDS[role] if role in _BOUNDS else _edges(first))
        self.counts = np.zeros(self.bounds.size + 1, np.int64)
        self.total = 0.0
        self.minimum, self.maximum = np.inf, -np.inf
        self._first = None if role in _BOUNDS else Numeric.empty()

    def add(self, sketch: Numeric) -> None:
        """Add a sketch."""
        self.counts += _between(_upto(sketch, self.bounds), sketch.count)
        self.total += sketch.moments.about(0.0)[0]
        self.minimum = float(np.fmin(self.minimum, sketch.minimum))
        self.maximum = float(np.fmax(self.maximum, sketch.maximum))
        if self._first is not None:
            self._first = self._first.merge(sketch)
            if self._first.count >= _ENOUGH:
                self._join(self._first)
                self._first = None

    def _join(self, sketch: Numeric) -> None:
        """Add bounds by all that was seen; what is counted at the others stays so."""
        known, counted = self.bounds, np.cumsum(self.counts)
        self.bounds = np.union1d(known, _edges(sketch))
        least = np.append(0, counted)[known.searchsorted(self.bounds, side="right")]
        most = counted[known.searchsorted(self.bounds)]
        upto = _upto(sketch, self.bounds).clip(least, most)
        self.counts = _between(upto, sketch.count)


def _upto(sketch: Numeric, bounds: "Floats") -> "Floats":
    """How many values are at or below each bound; those of a bucket it cuts lie evenly in it."""
    edges, below = sketch.cumulative()
    return np.rint(np.interp(bounds, edges, below, left=0.0, right=sketch.count))


def _between(upto: "Floats", count: int) -> "Ints":
    return np.diff(upto, prepend=0, append=count).astype(np.int64)


def _edges(sketch: Numeric) -> "Floats":
    """Upper edges of the buckets in which its quantiles lie: a bound within would cut others."""
    edges, below = sketch.cumulative()
    return np.unique(edges[below.searchsorted(_QUANTILES * sketch.count)])
