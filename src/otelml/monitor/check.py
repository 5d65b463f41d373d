"""What a check is, and how checks become findings: one shape for drift and for data quality.

A verdict needs an effect beyond its limit and beyond chance: p-values of one check are adjusted
over the family of columns by Benjamini & Hochberg (1995). `limits.null` is the effect that chance
alone would pass in one family of a hundred thousand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from otelml.data import Finding, Key, Limits, Role, Sketch, Verdict, Window
from otelml.monitor.comparison import Comparison
from otelml.sketch.categories import Categories

LEVEL: Final = 1e-5
"""Chance of any false alarm of one check in one window without drift.

Of 4,000 windows without drift (100 features, 200 to 20,000 rows), 18 alarmed at 0.01, 4 at 1e-3; of
11,000, one at 1e-4, none at 1e-5. One feature that moves by 0.3 deviations is seen at 500 rows in
99, 99, 96 and 90 windows of 100, and in all from 2,000 rows on, where the limits of effects alone
decide.
"""

WARNING: Final = 0.01
"""The same of a warning."""


class Measure(NamedTuple):
    """What a check found: its statistic, the effect to judge, and what chance says of it.

    `null(level)` is the effect that chance alone passes with that probability.
    """

    value: float
    effect: float
    p_value: float | None = None
    null: Callable[[float], float] | None = None
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check: how it measures a comparison, and when that is too much.

    `numbers_only` and `categories_only` say where it applies, `of_values` whether there must be a
    value on either side, not only missing ones; `is_test` whether its p-value is that of a test,
    and so is told.
    """

    name: str
    unit: str
    warn: float | None
    alarm: float | None
    measure: Callable[[Comparison], Measure | None]
    numbers_only: bool = False
    categories_only: bool = False
    of_values: bool = True
    is_test: bool = False
    roles: frozenset[Role] = frozenset(
        {Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.CONFIDENCE, Role.TARGET}
    )

    def applies(self, key: Key, sketch: Sketch) -> bool:
        """Whether it is for such a column."""
        if key.role not in self.roles:
            return False
        categories = isinstance(sketch, Categories)
        return not (categories and self.numbers_only) and (categories or not self.categories_only)


@dataclass(frozen=True, slots=True)
class Checks:
    """Which checks run, and with which limits: `limits` maps a name to its `warn` and `alarm`."""

    all: tuple[Check, ...]
    exclude: frozenset[str] = frozenset()
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    min_samples: int = 200

    def __post_init__(self) -> None:
        known = {check.name for check in self.all}
        for name in (*self.exclude, *self.limits):
            if name not in known:
                raise ValueError(f"unknown check {name!r}: choose among {', '.join(sorted(known))}")

    def chosen(self) -> list[tuple[Check, Limits]]:
        """The checks that run, with their limits."""
        return [
            (
                check,
                Limits(
                    self.limits.get(check.name, {}).get("warn", check.warn),
                    self.limits.get(check.name, {}).get("alarm", check.alarm),
                ),
            )
            for check in self.all
            if check.name not in self.exclude
        ]


def compare(checks: Checks, baseline: Window, window: Window) -> list[Finding]:
    """Findings of every check on every column that both windows have."""
    features: list[tuple[Key, Comparison]] = []
    others: list[tuple[Key, Comparison]] = []
    for key, sketch in window.sketches.items():
        reference = baseline.sketches.get(key) if key.role.is_column else None
        if reference is not None and _same_kind(reference, sketch):
            columns = features if key.role is Role.FEATURE else others
            columns.append((key, Comparison(reference, sketch)))
    findings = []
    for check, limits in checks.chosen():
        for columns in (features, others):
            family = [(key, pair) for key, pair in columns if check.applies(key, pair.reference)]
            if family:
                findings += _judge(check, limits, checks.min_samples, family, window)
    return findings


def _same_kind(one: Sketch, other: Sketch) -> bool:
    return isinstance(one, Categories) == isinstance(other, Categories)


def _judge(
    check: Check,
    limits: Limits,
    fewest: int,
    family: Sequence[tuple[Key, Comparison]],
    window: Window,
) -> list[Finding]:
    enough = [pair.rows[0] >= fewest and pair.rows[1] > 1 for _, pair in family]
    measures = [
        check.measure(pair) if sufficient and (pair.filled or not check.of_values) else None
        for (_, pair), sufficient in zip(family, enough, strict=True)
    ]
    raw = [m.p_value if m is not None else None for m in measures]
    adjusted = adjust(raw)
    level = LEVEL / max(sum(p is not None for p in raw), 1)
    findings = []
    for (key, pair), sufficient, measure, p in zip(family, enough, measures, adjusted, strict=True):
        verdict = Verdict.NOT_APPLICABLE if sufficient else Verdict.TOO_LITTLE_DATA
        if measure is not None:
            verdict = judged(measure.effect, p, limits)
        null = measure.null(level) if measure and measure.null else None
        findings.append(
            finding(
                window,
                key,
                check.name,
                measure,
                limits if null is None else Limits(limits.warn, limits.alarm, null),
                verdict,
                pair.rows,
                (measure.p_value, p) if measure is not None and check.is_test else (None, None),
            )
        )
    return findings


def finding(
    window: Window,
    key: Key,
    name: str,
    measure: Measure | None,
    limits: Limits,
    verdict: Verdict,
    rows: tuple[int, int],
    p_values: tuple[float | None, float | None] = (None, None),
) -> Finding:
    """A finding on one column of a window; `rows` are the window's and the baseline's."""
    # By position, in the order of the fields: 17 keywords take longer than all the rest here.
    return Finding(
        window.model.name,
        window.model.version,
        key.role,
        key.name or None,
        name,
        measure.value if measure else None,
        p_values[0],
        p_values[1],
        measure.effect if measure else None,
        limits,
        measure.reference if measure else None,
        verdict,
        rows[0],
        rows[1],
        (window.start, window.end),
        key.labels,
    )


def judged(effect: float, p_value: float | None, limits: Limits) -> Verdict:
    """The verdict on an effect: beyond its limit, and no chance.

    >>> judged(0.3, 1e-9, Limits(0.1, 0.25))
    <Verdict.ALARM: 'alarm'>
    >>> judged(0.3, 0.5, Limits(0.1, 0.25))
    <Verdict.OK: 'ok'>
    """
    if limits.alarm is not None and effect >= limits.alarm and _beyond(p_value, LEVEL):
        return Verdict.ALARM
    if limits.warn is not None and effect >= limits.warn and _beyond(p_value, WARNING):
        return Verdict.WARN
    return Verdict.OK


def _beyond(p_value: float | None, level: float) -> bool:
    return p_value is None or p_value < level


def adjust(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values adjusted for the false discovery rate (Benjamini & Hochberg, 1995).

    >>> adjust([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    known = [i for i, p in enumerate(p_values) if p is not None]
    raw = np.array([p_values[i] for i in known], np.float64)
    order = np.argsort(raw)
    scaled = raw[order] * len(raw) / np.arange(1, len(raw) + 1)
    scaled = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    adjusted: list[float | None] = [None] * len(p_values)
    for position, p in zip(order.tolist(), scaled.tolist(), strict=True):
        adjusted[known[position]] = p
    return adjusted
