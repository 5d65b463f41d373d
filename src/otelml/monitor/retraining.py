"""When to train a model anew: rules over the findings of its windows, each recommended once.

An alert is about one measure of one column; a rule says when what was found is reason enough to
act. It is recommended when enough of the last windows speak for it, and resolved after several
windows in a row that do not, so that one odd window does neither.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otelml.data import Finding
from otelml.monitor.rules import Rule

OF_CHECK: Final = 5
"""Findings of a check that are kept of a window."""

MOST: Final = 20
"""Findings that a recommendation shows."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A rule that came to hold, or one that no longer does.

    `evidence` are findings that led to it, as JSON, those of the latest windows last; there are
    none when it is resolved. `window` is the one that settled it.
    """

    rule: Rule
    recommended: bool
    evidence: tuple[Mapping[str, Any], ...]
    window: tuple[int, int]


class _Case:
    """What recent windows said of one rule: (start, end) -> check -> findings as JSON."""

    def __init__(self, rule: Rule, quiet: int) -> None:
        self.rule, self._quiet = rule, quiet
        self.recent: dict[tuple[int, int], dict[str, list[dict[str, Any]]]] = {}
        self.recommended = False
        self.since = 0
        """Windows that start earlier are over: the rule was resolved since."""

    def update(self, findings: Sequence[Finding]) -> list[Recommendation]:
        spoken = self.rule.spoken(findings)
        if not spoken or findings[0].window[0] < self.since:
            return []
        window = findings[0].window
        told = {check: [f.json() for f in found[:OF_CHECK]] for check, found in spoken.items()}
        self.recent[window] = self.recent.get(window, {}) | told
        needed, among = self.rule.windows
        kept = sorted(self.recent.items())[-max(among, self._quiet) :]
        self.recent = dict(kept)
        evidence = [[*itertools.chain(*said.values())] for _, said in kept]
        if not self.recommended:
            if sum(map(bool, evidence[-among:])) < needed:
                return []
            shown = [*itertools.chain(*evidence[-among:])][-MOST:]
        elif len(kept) < self._quiet or any(evidence[-self._quiet :]):
            return []
        else:
            shown = []
            self.since = kept[-self._quiet][0][0]
            self.recent = dict(kept[-self._quiet :])
        self.recommended = not self.recommended
        return [Recommendation(self.rule, self.recommended, tuple(shown), window)]


class Signal:
    """Whether to retrain one model; `resolve_after` is the alerts'."""

    def __init__(self, rules: Iterable[Rule], resolve_after: int = 2) -> None:
        self._cases = {str(rule): _Case(rule, resolve_after) for rule in rules}

    @property
    def recommended(self) -> tuple[Rule, ...]:
        """The rules that hold."""
        return tuple(case.rule for case in self._cases.values() if case.recommended)

    def update(self, findings: Sequence[Finding]) -> list[Recommendation]:
        """What findings of one window change.

        A window may be judged again, when labels come late: what a check says last counts. Checks
        that say nothing (too little data) leave everything as it is.
        """
        return [change for case in self._cases.values() for change in case.update(findings)]

    def dump(self) -> list[Any]:
        """Its state, for JSON."""
        return [
            [name, case.recommended, case.since, [[*w, said] for w, said in case.recent.items()]]
            for name, case in self._cases.items()
        ]

    def load(self, state: Iterable[Any]) -> None:
        """Take up the state that `dump` described; rules that are no more are forgotten."""
        for name, recommended, since, recent in state:
            if name in self._cases:
                case = self._cases[name]
                case.recommended, case.since = recommended, since
                case.recent = {(start, end): said for start, end, said in recent}
