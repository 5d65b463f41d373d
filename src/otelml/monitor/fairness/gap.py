"""The gap between the groups that differ most, and what chance says of it.

Every pair of groups is tested; p-values are adjusted over the pairs (Bonferroni), and intervals
hold for all pairs at once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from otelml.data import Limits, Verdict
from otelml.monitor.check import judged
from otelml.monitor.fairness.groups import Groups, Rates
from otelml.monitor.normal import normal_quantile, normal_tail
from otelml.monitor.share import Arm, katz, newcombe, shares_differ

LEVEL: Final = 0.05
"""Chance that any of the intervals of a measure misses."""

MOST: Final = 100
"""Groups that are compared: the largest."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the groups are apart, and the verdict.

    `value` and `interval` are of the two groups `low` and `high` that differ most. `effect` and the
    p-values are of the pair that decides the verdict: nearly always the same, but two large groups
    may be apart beyond doubt where a small one is further off by chance. Of fewer than two groups
    all are None. `rows` are those of the `groups` compared; `left_out` counts the others.
    """

    verdict: Verdict
    groups: int
    left_out: int
    rows: int
    value: float | None = None
    effect: float | None = None
    p_value: float | None = None
    p_value_adjusted: float | None = None
    interval: tuple[float, float] | None = None
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Parity:
    """A measure of fairness: the rates that should be equal, and how their inequality is told.

    `ratio` says that it is the lowest by the highest rate, with 1 less it as the effect; else it is
    their difference. `of_shares` says that the rates are shares, not means.
    """

    name: str
    rates: tuple[Callable[[Groups], Rates], ...]
    limits: Limits
    ratio: bool = False
    of_shares: bool = True

    def gap(self, groups: Groups, limits: Limits, fewest: float = 50) -> Gap:
        """The gap between groups of which every rate is of at least `fewest` rows."""
        rates = [rate(groups) for rate in self.rates]
        enough = np.all([rate.rows >= fewest for rate in rates], axis=0)
        order = np.argsort(-groups.rows, kind="stable")
        kept = order[enough[order]][:MOST]
        rows, left_out = int(groups.rows[kept].sum()), len(groups.names) - len(kept)
        pairs = [
            pair
            for rate in rates
            for pair in _pairs([Arm(groups.names[i], *(float(x[i]) for x in rate)) for i in kept])
        ]
        effects = [self._effect(low, high) for low, high in pairs]
        if not pairs or all(map(math.isnan, effects)):
            none = Verdict.NOT_APPLICABLE if pairs else Verdict.TOO_LITTLE_DATA
            return Gap(none, len(kept), left_out, rows)
        widest = int(np.nanargmax(effects))
        p_values = [self._p_value(low, high) for low, high in pairs]
        adjusted = [min(p * len(pairs), 1.0) for p in p_values]
        verdicts = [judged(*seen, limits) for seen in zip(effects, adjusted, strict=True)]
        worst = max(verdicts, key=_SEVERITY.index)
        deciding = widest
        if verdicts[widest] is not worst:
            among = [e if v is worst else -1.0 for e, v in zip(effects, verdicts, strict=True)]
            deciding = int(np.argmax(among))
        low, high = pairs[widest]
        return Gap(
            worst,
            len(kept),
            left_out,
            rows,
            low.value / high.value if self.ratio else high.value - low.value,
            effects[deciding],
            p_values[deciding],
            adjusted[deciding],
            self._interval(low, high, LEVEL / len(pairs)),
            low.group,
            high.group,
        )

    def _effect(self, low: Arm, high: Arm) -> float:
        if not self.ratio:
            return high.value - low.value
        return 1 - low.value / high.value if high.value > 0 else math.nan

    def _p_value(self, low: Arm, high: Arm) -> float:
        if self.of_shares:
            return shares_differ(low, high)
        error = (low.variance / low.rows + high.variance / high.rows) ** 0.5
        if not error:
            return 1.0 if low.value == high.value else 0.0
        return normal_tail((high.value - low.value) / error)

    def _interval(self, low: Arm, high: Arm, level: float) -> tuple[float, float] | None:
        if self.ratio:
            return katz(low, high, level)
        if self.of_shares:
            return newcombe(high, low, level)
        error = (low.variance / low.rows + high.variance / high.rows) ** 0.5
        half = -normal_quantile(level / 2) * error
        return high.value - low.value - half, high.value - low.value + half


_SEVERITY: Final = (Verdict.OK, Verdict.WARN, Verdict.ALARM)


def _pairs(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """Every two groups, the one of the lower rate first."""
    ordered = sorted(arms, key=lambda arm: arm.value)
    return [(low, high) for i, low in enumerate(ordered) for high in ordered[i + 1 :]]
