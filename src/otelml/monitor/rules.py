"""Reasons to train a model anew: what in the findings of a window speaks for it.

One dataclass a kind of rule, and what a user writes for each.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from otelml import names
from otelml.data import Finding, Role, Verdict
from otelml.monitor.alerts import parse_open_after
from otelml.monitor.registry import DRIFT

OBSERVED: Final = "ground_truth"
"""Where a measure of performance comes from whose finding does not say it."""

WINDOWS: Final = (2, 3)

Spoken: TypeAlias = dict[str, list[Finding]]
"""What speaks for a rule, by check; a check that was judged and does not has an empty list."""

_JUDGED: Final = (Verdict.OK, Verdict.WARN, Verdict.ALARM)
_DRIFT: Final = frozenset(check.name for check in DRIFT)


class Rule(Protocol):
    """A reason to retrain, which `windows[0]` of the last `windows[1]` windows speak for.

    Its text says it whole, and tells it from others.
    """

    @property
    def windows(self) -> tuple[int, int]:
        """How many windows of how many."""

    def spoken(self, findings: Iterable[Finding]) -> Spoken:
        """What speaks for it in a window."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """A check is as bad as `verdict`, or worse.

    Without `checks` it is any measure of performance; with a `source` only what is "estimated",
    or only what "ground_truth" says. Findings of single classes and segments count, too.

    >>> print(Degraded(("recall", "roc_auc"), source="estimated"))
    alarm of estimated recall or roc_auc in 2 of 3 windows
    """

    checks: tuple[str, ...] = ()
    verdict: Verdict = Verdict.ALARM
    source: str | None = None
    windows: tuple[int, int] = WINDOWS

    def __str__(self) -> str:
        checks = _named(self.checks, self.source)
        return f"{self.verdict} of {checks} in {_of(self.windows)}"

    def spoken(self, findings: Iterable[Finding]) -> Spoken:
        """What speaks for it in a window."""
        bad = _JUDGED[_JUDGED.index(self.verdict) :]
        return _by_check(
            (finding, finding.verdict in bad)
            for finding in _chosen(findings, self.checks, self.source)
            if finding.verdict in _JUDGED
        )


@dataclass(frozen=True, slots=True)
class Beyond:
    """The value of one of the `checks` is above or below a limit, whatever its verdict.

    >>> print(Beyond(("mae",), above=800, windows=(1, 1)))
    mae above 800 in 1 of 1 windows
    """

    checks: tuple[str, ...]
    above: float | None = None
    below: float | None = None
    source: str | None = None
    windows: tuple[int, int] = WINDOWS

    def __str__(self) -> str:
        limits = (("above", self.above), ("below", self.below))
        passed = " or ".join(f"{word} {limit}" for word, limit in limits if limit is not None)
        return f"{_named(self.checks, self.source)} {passed} in {_of(self.windows)}"

    def spoken(self, findings: Iterable[Finding]) -> Spoken:
        """What speaks for it in a window."""
        return _by_check(
            (finding, self._passed(finding.value))
            for finding in _chosen(findings, self.checks, self.source)
            if finding.verdict is not Verdict.TOO_LITTLE_DATA
            and finding.value is not None
            and not math.isnan(finding.value)
        )

    def _passed(self, value: float) -> bool:
        over = self.above is not None and value > self.above
        return over or (self.below is not None and value < self.below)


@dataclass(frozen=True, slots=True)
class Drifted:
    """Some check of drift alarms for so many features: below 1 a share of those that are judged.

    >>> print(Drifted(0.3))
    drifted features from 0.3 on in 2 of 3 windows
    """

    features: float
    windows: tuple[int, int] = WINDOWS

    def __str__(self) -> str:
        return f"drifted features from {self.features} on in {_of(self.windows)}"

    def spoken(self, findings: Iterable[Finding]) -> Spoken:
        """What speaks for it in a window: one finding of each drifted feature."""
        drifted: dict[str | None, Finding] = {}
        judged = set()
        for finding in findings:
            is_drift = finding.check in _DRIFT and finding.role is Role.FEATURE
            if is_drift and finding.verdict in _JUDGED:
                judged.add(finding.feature)
                if finding.verdict is Verdict.ALARM:
                    drifted.setdefault(finding.feature, finding)
        if not judged:
            return {}
        found = len(drifted) / len(judged) if self.features < 1 else len(drifted)
        return {"drifted_features": [*drifted.values()] if found >= self.features else []}


def _named(checks: tuple[str, ...], source: str | None) -> str:
    named = " or ".join(checks) or "any measure of performance"
    return f"{source} {named}" if source else named


def _of(windows: tuple[int, int]) -> str:
    return f"{windows[0]} of {windows[1]} windows"


def _chosen(
    findings: Iterable[Finding], checks: tuple[str, ...], source: str | None
) -> Iterable[Finding]:
    for finding in findings:
        told = dict(finding.labels).get(names.PERFORMANCE_SOURCE, OBSERVED)
        known = finding.check in checks if checks else finding.role is Role.ERROR
        if known and source in (None, told):
            yield finding


def _by_check(judged: Iterable[tuple[Finding, bool]]) -> Spoken:
    spoken: Spoken = {}
    for finding, speaks in judged:
        spoken.setdefault(finding.check, []).extend([finding] if speaks else [])
    return spoken


def parse(given: Mapping[str, Any]) -> Rule:
    """A rule as a configuration has it.

    Raises:
        ValueError: it is none; the message says why.

    >>> parse({"checks": ["roc_auc"], "verdict": "alarm", "windows": "2 of 4"}).windows
    (2, 4)
    >>> parse({"checks": ["mae"], "source": "estimated", "above": 800})
    Beyond(checks=('mae',), above=800, below=None, source='estimated', windows=(2, 3))
    >>> parse({"drifted_features": 0.3})
    Drifted(features=0.3, windows=(2, 3))
    """
    kinds = {*given} & {"verdict", "above", "below", "drifted_features"}
    if not kinds or (len(kinds) > 1 and kinds != {"above", "below"}):
        raise ValueError("a rule has one of: verdict, above or below, drifted_features")
    known = {*kinds, "windows"} | (set() if "drifted_features" in kinds else {"checks", "source"})
    if unknown := {*given} - known:
        raise ValueError(f"{', '.join(sorted(unknown))}: know only {', '.join(sorted(known))}")
    windows = parse_open_after(str(given["windows"])) if "windows" in given else WINDOWS
    if "drifted_features" in given:
        features = _number(given, "drifted_features")
        if features is None or features <= 0:
            raise ValueError("drifted_features is a share below 1, or a number of features")
        return Drifted(features, windows)
    checks, source = given.get("checks", []), given.get("source")
    if not isinstance(checks, list) or not all(isinstance(name, str) for name in checks):
        raise ValueError(f"checks is a list of names, not {checks!r}")
    if source not in (None, OBSERVED, "estimated"):
        raise ValueError(f"source is {OBSERVED} or estimated, not {source!r}")
    if "verdict" in given:
        if given["verdict"] not in ("warn", "alarm"):
            raise ValueError(f"verdict is warn or alarm, not {given['verdict']!r}")
        return Degraded(tuple(checks), Verdict(given["verdict"]), source, windows)
    if not checks:
        raise ValueError("above and below need checks, whose values they limit")
    above, below = _number(given, "above"), _number(given, "below")
    return Beyond(tuple(checks), above, below, source, windows)


def _number(given: Mapping[str, Any], name: str) -> float | None:
    number = given.get(name)
    if name in given and (isinstance(number, bool) or not isinstance(number, int | float)):
        raise ValueError(f"{name} is a number, not {number!r}")
    return number
