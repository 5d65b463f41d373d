"""KSWIN: the newest values of a sliding window are distributed unlike the older ones.

Raab, Heusinger & Schleif, Reactive Soft Prototype Computing for Concept Drift Streams
(Neurocomputing, 2020): a two-sample Kolmogorov–Smirnov test at level α.

The paper compares the newest r values with r that it draws from the older ones. Ours compares them
with all of the older ones: the test's law under no drift is the same, with the sizes' own factor;
no chance comes in, so the same stream raises the same alarms; and it has the greater power.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import special

from otelml.monitor.concept._detector import Bools, Detector, first
from otelml.sketch.array import Floats


@dataclass(slots=True)
class Concept:
    """What KSWIN knows: the number of values, and the newest of them."""

    n: int = 0
    values: list[float] = field(default_factory=list)


@dataclass(slots=True)
class KSWIN(Detector):
    """KSWIN, for any change of the errors' distribution.

    It looks every `clock` values. The newest `recent` of the `window` remain after a drift.

    >>> KSWIN().update([*[0, 0, 0, 0, 1] * 1000, *[0, 1] * 1000]).drifts
    [5249]
    """

    name: ClassVar[str] = "kswin"
    binary: ClassVar[bool] = False
    concept_type: ClassVar = Concept

    alpha: float = 1e-7
    window: int = 2000
    recent: int = 500
    clock: int = 10
    concept: Concept = field(default_factory=Concept)

    def _run(self, values: Floats) -> tuple[int | None, list[int]]:
        known = self.concept
        n = np.arange(known.n + 1, known.n + len(values) + 1)
        held = np.concatenate([known.values, values])
        # Ranks will do, and short integers are sorted in linear time.
        ranks = np.unique(held, return_inverse=True)[1].astype(np.min_scalar_type(len(held)))
        before = len(known.values) + 1
        looks = np.flatnonzero((n % self.clock == 0) & (n >= self.window))
        # A few at a time: each is a row of `window` values.
        for start in range(0, len(looks), 64):
            part = looks[start : start + 64]
            windows = np.lib.stride_tricks.sliding_window_view(ranks, self.window)
            drift = first(self._differ(windows[part + before - self.window]))
            if drift is not None:
                end = part[drift] + before
                self.concept = Concept(self.recent, held[end - self.recent : end].tolist())
                return int(part[drift]), []
        self.concept = Concept(int(n[-1]), held[-self.window :].tolist())
        return None, []

    def _differ(self, rows: npt.NDArray[Any]) -> Bools:
        """Whether the newest of each row differ from its older ones."""
        older = self.window - self.recent
        order = np.argsort(rows, axis=1, kind="stable")
        ranked = np.take_along_axis(rows, order, axis=1)
        steps: npt.NDArray[np.int64] = np.where(order < older, self.recent, -older)
        apart = np.abs(np.cumsum(steps, axis=1)[:, :-1])
        # Between equal values the distribution functions are not at a point of their own.
        distance = np.where(ranked[:, 1:] > ranked[:, :-1], apart, 0).max(axis=1)
        critical = special.kolmogi(self.alpha) * np.sqrt(older * self.recent * self.window)
        return np.asarray(distance > critical)
