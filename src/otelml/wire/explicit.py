"""Histograms with fixed bounds, for readers that cannot carry exponential ones (Prometheus)."""

from typing import TYPE_CHECKING, Final

import numpy as np

from otelml.data import Role
from otelml.sketch.numeric import Numeric

if TYPE_CHECKING:
    from otelml.sketch.array import Floats

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75,
                   1.0, 2.5, 5.0, 10.0)  # fmt: skip
_BOUNDS: Final = {
    Role.DURATION: _SECONDS,
    Role.CLIENT_DURATION: _SECONDS,
    Role.LOAD_DURATION: (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
    Role.BATCH_SIZE: tuple(float(2**k) for k in range(11)),
}
_QUANTILES: Final = np.array([0.001, 0.01, *np.arange(0.05, 1.0, 0.05), 0.99, 0.999])


class Explicit:
    """Cumulative counts between bounds that are chosen on the first sketch and kept."""

    def __init__(self, role: Role, first: Numeric) -> None:
        self.bounds: Floats = np.array(_BOUNDS[role] if role in _BOUNDS else _edges(first))
        self.counts = np.zeros(self.bounds.size + 1, np.int64)
        self.total = 0.0
        self.minimum, self.maximum = np.inf, -np.inf

    def add(self, sketch: Numeric) -> None:
        """Add a sketch; where a bound cuts a bucket, its values count as spread evenly."""
        edges, below = sketch.cumulative()
        upto = np.rint(np.interp(self.bounds, edges, below, left=0.0, right=sketch.count))
        self.counts += np.diff(upto, prepend=0, append=sketch.count).astype(np.int64)
        self.total += sketch.moments.about(0.0)[0]
        self.minimum = float(np.fmin(self.minimum, sketch.minimum))
        self.maximum = float(np.fmax(self.maximum, sketch.maximum))


def _edges(sketch: Numeric) -> "Floats":
    """Upper edges of the buckets in which its quantiles lie: a bound within would cut others."""
    edges, below = sketch.cumulative()
    return np.unique(edges[below.searchsorted(_QUANTILES * sketch.count)])
