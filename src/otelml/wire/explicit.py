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
        self.bounds: Floats = np.array(_BOUNDS.get(role, np.unique(first.quantile(_QUANTILES))))
        self.counts = np.zeros(self.bounds.size + 1, np.int64)
        self.total = 0.0
        self.minimum, self.maximum = np.inf, -np.inf

    def add(self, sketch: Numeric) -> None:
        """Add a sketch; each bucket goes where its middle lies."""
        for histogram in (sketch.body, sketch.tail):
            lower, upper, counts = histogram.cells()
            slots = np.searchsorted(self.bounds, lower / 2 + upper / 2, side="left")
            np.add.at(self.counts, slots, counts)
        self.total += sketch.moments.about(0.0)[0]
        self.minimum = float(np.fmin(self.minimum, sketch.minimum))
        self.maximum = float(np.fmax(self.maximum, sketch.maximum))
