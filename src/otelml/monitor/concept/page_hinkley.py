"""Page–Hinkley: the sum of deviations from the mean moves away from its extreme.

Page, Continuous Inspection Schemes (Biometrika 41, 1954), with the running mean for the unknown
one (Hinkley, 1971): with Sᵢ = α Sᵢ₋₁ + (xᵢ − x̄ᵢ) ∓ δ, a drift is S − min S > λ (upwards) or
max S − S > λ (downwards).
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy import signal

from otelml.monitor.concept._bounded import Beginning, Bounded
from otelml.monitor.concept._detector import carried, first
from otelml.sketch.array import Floats


@dataclass(slots=True)
class Concept(Beginning):
    """What Page–Hinkley knows; `total` and `squares` are sums about the first value, `origin`."""

    origin: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    up: float = 0.0
    lowest: float = 0.0
    down: float = 0.0
    highest: float = 0.0


@dataclass(slots=True)
class PageHinkley(Bounded):
    """Page–Hinkley, two-sided: the mean error changes.

    `delta`, the change that is tolerated, and `threshold` are in standard deviations of the error,
    so that its unit does not matter; with `standardised=False` they are in that unit. A deviation
    counts up to 1 / `delta` standard deviations. What is cut off has a mean below `delta`, as
    E[z; z > c] ≤ E[z²] / c, and so cannot itself look like a drift the other way.

    A forgetting factor `alpha` below 1 cries wolf: the sum then wanders about a constant, and
    sooner or later goes any distance from its extreme.

    >>> PageHinkley().update([*[0, 0, 0, 0, 1] * 1000, *[0, 1] * 1000]).drifts
    [5123]
    """

    name: ClassVar[str] = "page_hinkley"
    binary: ClassVar[bool] = False
    concept_type: ClassVar = Concept

    min_values: int = 100
    delta: float = 0.1
    threshold: float = 80.0
    alpha: float = 1.0
    standardised: bool = True
    concept: Concept = field(default_factory=Concept)

    def _judge(self, values: Floats) -> int | None:
        known = self.concept
        n = np.arange(known.n + 1, known.n + len(values) + 1)
        origin = known.origin if known.n else float(values[0])
        x = values - origin
        total, squares = carried(known.total, x), carried(known.squares, x**2)
        mean = total / n
        deviation = x - mean
        if self.standardised:
            spread = np.sqrt(np.maximum(squares / n - mean**2, 0))
            deviation = np.divide(deviation, spread, np.zeros_like(x), where=spread > 0)
            deviation = np.clip(deviation, -1 / self.delta, 1 / self.delta)

        up = self._faded(known.up, deviation - self.delta)
        down = self._faded(known.down, deviation + self.delta)
        lowest = np.minimum.accumulate(np.concatenate([[known.lowest], up]))[1:]
        highest = np.maximum.accumulate(np.concatenate([[known.highest], down]))[1:]
        beyond = (up - lowest > self.threshold) | (highest - down > self.threshold)
        drift = first(beyond & (n >= self.min_values))
        if drift is not None:
            self.concept = Concept()
            return drift
        known.n = int(n[-1])
        known.origin = origin
        known.total, known.squares = float(total[-1]), float(squares[-1])
        known.up, known.lowest = float(up[-1]), float(lowest[-1])
        known.down, known.highest = float(down[-1]), float(highest[-1])
        return None

    def _faded(self, before: float, values: Floats) -> Floats:
        sums, _ = signal.lfilter([1.0], [1.0, -self.alpha], values, zi=[self.alpha * before])
        return np.asarray(sums, np.float64)
