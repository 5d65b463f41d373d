"""Whether errors are back where they were before a drift.

A detector tells when errors changed, and then learns what has become usual. That they stay bad is
told by a cumulative sum (Page, Continuous Inspection Schemes, Biometrika 1954) of how far they lie
below half way between the mean before the drift and the mean since: it stays near 0 while errors
are where the drift took them, and climbs once they are back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from otelml.monitor.concept._bounded import limits
from otelml.monitor.concept._detector import LARGEST, carried, first
from otelml.sketch.array import Floats
from otelml.sketch.moments import Moments

_CERTAIN: Final = 12.0
"""How much evidence that errors are back is asked for: its exponential, times a few, is how many
errors it takes on average until a stream that stayed bad is taken for one that is back."""

_EARLY: Final = 100
"""Errors that tell how wild others may be."""

_SMALLEST: Final = 0.2
"""A change of fewer standard deviations counts as none, so that a false alarm ends too."""


@dataclass(slots=True)
class Level:
    """The errors before a drift, and those since while they are not back.

    >>> level = Level()
    >>> level.update(np.tile([0, 0, 0, 0, 1], 1000), [])
    >>> level.update(np.tile([0, 1], 1000), [80])
    >>> level.raised, level.mean
    (True, 0.2)
    >>> level.update(np.tile([0, 0, 0, 0, 1], 100), [])
    >>> level.raised
    False
    """

    raised: bool = False
    before: Moments = field(default_factory=Moments)
    since: Moments = field(default_factory=Moments)
    climbed: float = 0.0
    early: list[float] = field(default_factory=list)
    low: float = -LARGEST
    high: float = LARGEST

    @property
    def mean(self) -> float | None:
        """The mean error that was usual, where there is a drift to compare with it."""
        return self.before.mean if self.raised else None

    def update(self, errors: npt.ArrayLike, drifts: Sequence[int]) -> None:
        """Take in the errors that follow, of shape (n,), and where among them drifts were found."""
        values = self._tamed(np.asarray(errors, np.float64))
        start = 0
        while start < len(values):
            if self.raised:
                start += self._watch(values[start:])
                continue
            drift = next((at for at in drifts if at >= start), None)
            stop = len(values) if drift is None else drift + 1
            self.before = self.before.merge(Moments.of(values[start:stop]))
            self.raised = drift is not None
            start = stop

    def state(self) -> dict[str, Any]:
        """What it knows, for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """The level that `state` described."""
        moments = {name: Moments(**state[name]) for name in ("before", "since")}
        return cls(**{**state, **moments})

    def _tamed(self, values: Floats) -> Floats:
        """Errors no wilder than the first ones allow, so that none outweighs all others."""
        waited = _EARLY - len(self.early)
        if waited > 0:
            self.early += values[:waited].tolist()
            if len(self.early) == _EARLY:
                self.low, self.high = limits(np.clip(self.early, -LARGEST, LARGEST))
        held, rest = np.split(values, [max(waited, 0)])
        return np.concatenate(
            [np.clip(held, -LARGEST, LARGEST), np.clip(rest, self.low, self.high)]
        )

    def _watch(self, values: Floats) -> int:
        """Take in errors up to the one that shows that they are back, and tell how many."""
        before, since = self.before, self.since
        usual, spread = before.mean, before.variance
        n = np.arange(since.count + 1, since.count + len(values) + 1)
        origin = since.pivot if since.count else float(values[0])
        total, squares = since.about(origin)
        x = values - origin
        mean = carried(total, x) / n
        variance = np.maximum(carried(squares, x**2) / n - mean**2, spread)
        gap = np.maximum(origin + mean - usual, _SMALLEST * np.sqrt(variance))
        below = carried(0.0, usual + gap / 2 - values)
        climbed = below - np.minimum(np.minimum.accumulate(below), -self.climbed)
        back = first(climbed * gap > _CERTAIN * variance)
        if back is not None:
            self.raised, self.climbed = False, 0.0
            self.before, self.since = Moments(), Moments()  # what is usual is learnt anew
            return back + 1
        self.since = since.merge(Moments.of(values))
        self.climbed = float(climbed[-1])
        return len(values)
