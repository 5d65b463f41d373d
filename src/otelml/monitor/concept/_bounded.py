"""One wild error must not blind a detector that judges means by their variance."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from otelml.monitor.concept._detector import LARGEST, Detector
from otelml.sketch.array import Floats

_REACH: Final = 20
"""An error counts up to so many times as far from the median as nine tenths of the first lie."""


@dataclass(slots=True)
class Beginning:
    """What is known of how a concept began: its first errors, or once they suffice the limits."""

    n: int = 0
    early: list[float] = field(default_factory=list)
    low: float = 0.0
    high: float = 0.0


class Bounded(Detector):
    """Judges a concept from `min_values` errors on; these tell how far an error may lie.

    Where nine tenths of them are the same, any error may lie anywhere.
    """

    __slots__ = ()
    min_values: int
    concept: Beginning

    def _run(self, values: Floats) -> tuple[int | None, list[int]]:
        known = self.concept
        waiting = len(known.early)
        if not known.n:
            values = np.concatenate([known.early, values])
            if len(values) < self.min_values:
                known.early = values.tolist()
                return None, []
            known.early = []
            known.low, known.high = limits(values[: self.min_values])
        drift = self._judge(np.clip(values, known.low, known.high))
        return None if drift is None else drift - waiting, []

    @abstractmethod
    def _judge(self, values: Floats) -> int | None:
        """Take in some values, at least one, up to the first drift, and tell its position."""


def limits(values: Floats) -> tuple[float, float]:
    """How far an error may lie, as the first ones tell."""
    median = np.median(values)
    reach = _REACH * np.quantile(np.abs(values - median), 0.9)
    if not reach:
        return -LARGEST, LARGEST
    return float(median - reach), float(median + reach)
