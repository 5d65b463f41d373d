"""Shares of values in violation: what checks of missing and unreadable values share."""

from collections.abc import Callable

from scipy import special

from otelml.data import Role
from otelml.monitor.check import Check, Measure
from otelml.monitor.comparison import Comparison

FEATURES = frozenset({Role.FEATURE})


def share_check(
    name: str, attribute: str, warn: float, alarm: float, *, numbers_only: bool = False
) -> Check:
    """A check of how much greater the share of `attribute` is than in the baseline."""

    def measure(pair: Comparison) -> Measure | None:
        counts = [getattr(s, attribute, None) for s in (pair.reference, pair.current)]
        rows = pair.rows[::-1]
        if None in counts or not all(rows):
            return None
        before, now = (count / total for count, total in zip(counts, rows, strict=True))  # type: ignore[operator]
        pooled = sum(counts) / sum(rows)  # type: ignore[arg-type]
        error = (pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1])) ** 0.5
        p_value = float(special.ndtr((before - now) / error)) if error > 0 else 1.0
        return Measure(now, now - before, p_value, None, before)

    return quality_check(name, warn, alarm, measure, numbers_only=numbers_only)


def quality_check(
    name: str,
    warn: float | None,
    alarm: float | None,
    measure: Callable[[Comparison], Measure | None],
    *,
    numbers_only: bool = False,
    categories_only: bool = False,
) -> Check:
    """A check of features; its value is a share of the window's values."""
    return Check(
        name,
        "1",
        warn,
        alarm,
        measure,
        numbers_only=numbers_only,
        categories_only=categories_only,
        of_values=False,
        roles=FEATURES,
    )
