"""Shares of values in violation: what checks of missing and unreadable values share."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import special

from otelml.data import Role
from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison, noise
from otelml.monitor.family import FEATURES, OTHERS

_GIVEN: Final = FEATURES | OTHERS - {Role.TARGET}
"""Columns whose values a window should have: truths come late."""


def share_check(
    name: str, attribute: str, warn: float, alarm: float, *, numbers_only: bool = False
) -> Check:
    """A check of how much greater the share of `attribute` is than in the baseline."""

    def measure(pairs: Comparison) -> Measures:
        totals, counts = pairs.rows, pairs.of(attribute)
        before, now = counts / totals
        pooled = counts.sum(axis=0) / totals.sum(axis=0)
        error = np.sqrt(pooled * (1 - pooled) * noise(totals))
        p_value = np.where(error > 0, special.ndtr((before - now) / error), 1.0)
        return Measures(now, now - before, p_value, None, before, totals.min(axis=0) > 0)

    return quality_check(name, warn, alarm, measure, numbers_only=numbers_only, roles=_GIVEN)


def quality_check(
    name: str,
    warn: float | None,
    alarm: float | None,
    measure: Callable[[Comparison], Measures],
    *,
    numbers_only: bool = False,
    categories_only: bool = False,
    roles: frozenset[Role] = FEATURES,
) -> Check:
    """A check of columns, of features by default; its value is a share of the window's values."""
    return Check(
        name,
        "1",
        warn,
        alarm,
        measure,
        numbers_only=numbers_only,
        categories_only=categories_only,
        of_values=False,
        roles=roles,
    )
