"""DDM, the Drift Detection Method: the error rate climbs above the lowest that it had.

Gama, Medas, Castillo & Rodrigues, Learning with Drift Detection (SBIA 2004): with the rate pᵢ of
the first i values and its standard deviation sᵢ = √(pᵢ (1 − pᵢ) / i), a drift is
pᵢ + sᵢ > p_min + 3 s_min, where p_min and s_min are those at which p + s was lowest; a warning is
the same with 2.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from otelml.monitor.concept._detector import Detector, carried, first, onsets
from otelml.sketch.array import Floats


@dataclass(slots=True)
class Concept:
    """What DDM knows; `rate` and `deviation` are the lowest ones."""

    n: int = 0
    errors: int = 0
    rate: float | None = None
    deviation: float = 0.0
    warned: bool = False


@dataclass(slots=True)
class DDM(Detector):
    """DDM, one-sided: errors become more frequent.

    The paper has limits of 2 and 3, and judges from 30 values on. These cry wolf: the lowest of
    many rates lies far below the true one, the more so as a rate without errors has s = 0, and the
    first error after it is a drift. So we wait for some errors, and set the limits higher.

    >>> DDM().update([*[0, 0, 0, 0, 1] * 1000, *[0, 1] * 1000]).drifts
    [5405]
    """

    name: ClassVar[str] = "ddm"
    binary: ClassVar[bool] = True
    concept_type: ClassVar = Concept

    min_values: int = 30
    min_errors: int = 50
    warning: float = 4.0
    drift: float = 5.0
    concept: Concept = field(default_factory=Concept)

    def _run(self, values: Floats) -> tuple[int | None, list[int]]:
        known = self.concept
        n = np.arange(known.n + 1, known.n + len(values) + 1)
        errors = carried(known.errors, values)
        rate = errors / n
        deviation = np.sqrt(rate * (1 - rate) / n)
        judged = (n > self.min_values) & (errors >= self.min_errors)
        level = np.where(judged, rate + deviation, np.inf)

        # The lowest so far, at each position: the one known before stands at the front.
        held = np.inf if known.rate is None else known.rate
        rates = np.concatenate([[held], rate])
        deviations = np.concatenate([[known.deviation], deviation])
        lowest = np.minimum.accumulate(np.concatenate([[held + known.deviation], level]))[1:]
        places = np.arange(1, len(values) + 1)
        at = np.maximum.accumulate(np.where(judged & (level <= lowest), places, 0))

        drift = first(judged & (level > rates[at] + self.drift * deviations[at]))
        warned = judged & (level > rates[at] + self.warning * deviations[at])
        if drift is not None:
            warned[drift] = False
            begun = onsets(warned[: drift + 1], known.warned)
            self.concept = Concept()
            return drift, begun
        last = at[-1]
        self.concept = Concept(
            int(n[-1]),
            int(errors[-1]),
            float(rates[last]) if np.isfinite(rates[last]) else None,
            float(deviations[last]),
            bool(warned[-1]),
        )
        return None, onsets(warned, known.warned)
