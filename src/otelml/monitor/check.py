"""What a check is, and how checks become findings: one shape for drift and for data quality.

A verdict needs an effect beyond its limit and beyond chance: p-values of one check are adjusted
over the family of columns by Benjamini & Hochberg (1995). `limits.null` is the effect that chance
alone would pass in one family of a hundred thousand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.data import Finding, Key, Limits, Role, Verdict, Window
from otelml.monitor.comparison import Comparison
from otelml.monitor.family import FEATURES, OTHERS, Family, Part, families
from otelml.sketch.array import Floats

LEVEL: Final = 1e-5
"""Chance of any false alarm of one check in one window without drift.

Of 4,000 windows without drift (100 features, 200 to 20,000 rows), 18 alarmed at 0.01, 4 at 1e-3; of
11,000, one at 1e-4, none at 1e-5. One feature that moves by 0.3 deviations is seen at 500 rows in
99, 99, 96 and 90 windows of 100, and in all from 2,000 rows on, where the limits of effects alone
decide.
"""

WARNING: Final = 0.01
"""The same of a warning."""


class Measures(NamedTuple):
    """What a check found: arrays with an entry for each column.

    They are its statistics, the effects to judge, how likely these are by chance, the effects that
    chance alone passes with the probability `null(level)` is given, and the statistics of the
    baseline. What is not `known` is no finding.
    """

    value: Floats
    effect: Floats
    p_value: Floats
    null: Callable[[float], Floats] | None = None
    reference: Floats | None = None
    known: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check: how it measures columns beside their baselines, and when that is too much.

    `numbers_only`, `categories_only` and `roles` say where it applies, `of_values` whether there
    must be a value on either side, not only missing ones; `is_test` whether its p-value is that of
    a test, and so is told.
    """

    name: str
    unit: str
    warn: float | None
    alarm: float | None
    measure: Callable[[Comparison], Measures]
    numbers_only: bool = False
    categories_only: bool = False
    roles: frozenset[Role] = FEATURES | OTHERS
    of_values: bool = True
    is_test: bool = False


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
    of = families(baseline, window, checks.min_samples)
    with np.errstate(all="ignore"):  # what cannot be divided is not known
        return [
            finding
            for check, limits in checks.chosen()
            for family in of
            for finding in _judge(check, limits, family, window)
        ]


def _judge(check: Check, limits: Limits, family: Family, window: Window) -> list[Finding]:
    kinds = (family.numbers, check.categories_only), (family.categories, check.numbers_only)
    parts = [part for part, excluded in kinds if part.places.size and not excluded]
    places = (place for part in parts for place in part.places.tolist())
    chosen = sorted(place for place in places if family.keys[place].role in check.roles)
    if not chosen:
        return []
    told = _measured(check, parts, len(family.keys))
    adjusted = adjust([told[place][2] for place in chosen])
    findings = []
    for place, p in zip(chosen, adjusted, strict=True):
        value, effect, raw, reference, null, enough = told[place]
        verdict = Verdict.NOT_APPLICABLE if enough else Verdict.TOO_LITTLE_DATA
        if effect is not None:
            verdict = judged(effect, p, limits)
        held = limits if null is None else Limits(limits.warn, limits.alarm, null)
        p_values = (raw, p) if check.is_test else (None, None)
        key, rows = family.keys[place], family.rows[place]
        measured = value, effect, reference, p_values
        findings.append(finding(window, key, check.name, verdict, held, rows, *measured))
    return findings


def _measured(check: Check, parts: Sequence[Part], size: int) -> list[list[Any]]:
    """Value, effect, p-value, reference, null, and whether there are rows enough, a column.

    None is unknown.
    """
    told = np.full((size, 6), None)
    nulls = []
    for part in parts:
        told[part.enough, 5] = True
        places, columns = part.filled if check.of_values else (part.enough, part.columns)
        if places.size:
            found = check.measure(columns)
            known = slice(None) if found.known is None else found.known
            at = places[known]
            for i, array in enumerate((found.value, found.effect, found.p_value, found.reference)):
                if array is not None:
                    told[at, i] = array[known]
            if found.null is not None:
                nulls.append((at, known, found.null))
    level = LEVEL / max(sum(at.size for at, _, _ in nulls), 1)
    for at, known, null in nulls:
        told[at, 4] = null(level)[known]
    measured: list[list[Any]] = told.tolist()
    return measured


def finding(
    window: Window,
    key: Key,
    name: str,
    verdict: Verdict,
    limits: Limits,
    rows: tuple[int, int],
    value: float | None = None,
    effect: float | None = None,
    reference: float | None = None,
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
        value,
        p_values[0],
        p_values[1],
        effect,
        limits,
        reference,
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
