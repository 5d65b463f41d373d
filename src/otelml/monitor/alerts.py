"""From findings to alerts: an alert opens and resolves only after several windows agree.

What is judged no more is forgotten, and however many subjects come and go, `most` are known.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from otelml import names
from otelml.data import Finding, Limits, Role, Verdict

_SILENT: Final = frozenset({Verdict.TOO_LITTLE_DATA, Verdict.NO_BASELINE, Verdict.NOT_APPLICABLE})
_OF_THE_DAY: Final = frozenset({names.FAIRNESS_LOW, names.FAIRNESS_HIGH})


class Subject(NamedTuple):
    """What an alert is about."""

    model: str
    version: str | None
    role: str
    feature: str | None
    check: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that opened, or one that resolved."""

    finding: Finding
    opened: bool


class Alerts:
    """State of all alerts.

    An alert opens when `open_after[0]` of the last `open_after[1]` windows alarm, and resolves
    after `resolve_after` windows in a row that do not. Windows that say nothing (too little data)
    count for neither. A window that is judged again, as its labels come, counts once: as it was
    judged last.

    Of `most` subjects is known how they were judged. Beyond that those without an open alert are
    forgotten, first the ones that did not alarm of late, oldest first; and no more alerts open.
    Those that did alarm are counted in `dropped`.
    """

    def __init__(
        self,
        open_after: tuple[int, int] = (2, 3),
        resolve_after: int = 2,
        most: int = 100_000,
        dropped: Counter[str] | None = None,
    ) -> None:
        self._needed, self._of = open_after
        self._quiet, self._most = resolve_after, most
        self._dropped = Counter() if dropped is None else dropped
        self._recent: dict[Subject, list[tuple[int, bool]]] = {}  # starts of windows, in order
        self._open: set[Subject] = set()

    def update(self, findings: Iterable[Finding]) -> list[Change]:
        """What the findings of a window change."""
        changes = []
        for finding in findings:
            if finding.verdict in _SILENT:
                continue
            subject = subject_of(finding)
            known = dict(self._recent.get(subject, ()))
            known[finding.window[0]] = finding.verdict is Verdict.ALARM
            kept = sorted(known.items())[-max(self._of, self._quiet) :]
            self._recent[subject] = kept
            recent = [alarmed for _, alarmed in kept]
            if subject in self._open:
                if len(recent) >= self._quiet and not any(recent[-self._quiet :]):
                    self._open.remove(subject)
                    self._recent[subject] = kept[-self._quiet :]  # what was before is over
                    changes.append(Change(finding, opened=False))
            elif sum(recent[-self._of :]) >= self._needed and len(self._open) < self._most:
                self._open.add(subject)
                changes.append(Change(finding, opened=True))
        if len(self._recent) > self._most:
            self._shed()
        return changes

    def _shed(self) -> None:
        closed = [subject for subject in self._recent if subject not in self._open]
        closed.sort(key=lambda subject: (self._alarmed(subject), self._last(subject)))
        for subject in closed[: len(self._recent) - self._most]:
            if self._alarmed(subject):
                self._dropped["alert_limit"] += 1
            del self._recent[subject]

    def _alarmed(self, subject: Subject) -> bool:
        return any(alarmed for _, alarmed in self._recent[subject])

    def _last(self, subject: Subject) -> int:
        return self._recent[subject][-1][0]

    def forget(self, before: int, quiet: int, now: int) -> list[Change]:
        """Forget what was not judged since `before`; what is open then resolves.

        What did not alarm of late is forgotten if it was not judged since `quiet`.
        """
        changes = []
        for subject in [*self._recent]:
            is_open, last = subject in self._open, self._last(subject)
            if last >= (before if is_open or self._alarmed(subject) else quiet):
                continue
            del self._recent[subject]
            if is_open:
                self._open.remove(subject)
                changes.append(Change(_unjudged(subject, (last, now)), opened=False))
        return changes

    def is_open(self, finding: Finding) -> bool:
        """Whether there is an open alert about what the finding is about."""
        return subject_of(finding) in self._open

    def dump(self) -> list[Any]:
        """Its state, for JSON."""
        return [
            [*subject, recent, subject in self._open] for subject, recent in self._recent.items()
        ]

    def load(self, state: Iterable[Any]) -> None:
        """Take up the state that `dump` described."""
        for model, version, role, feature, check, labels, recent, is_open in state:
            told = tuple((name, value) for name, value in labels)
            subject = Subject(model, version, role, feature, check, told)
            self._recent[subject] = [(start, alarmed) for start, alarmed in recent]
            if is_open:
                self._open.add(subject)


def subject_of(finding: Finding) -> Subject:
    """What a finding is about.

    The labels tell apart the scores of several classes, but not which groups differ most today.
    """
    return Subject(
        finding.model,
        finding.model_version,
        str(finding.role),
        finding.feature,
        finding.check,
        tuple(label for label in finding.labels if label[0] not in _OF_THE_DAY),
    )


def _unjudged(subject: Subject, window: tuple[int, int]) -> Finding:
    """A finding that there was nothing to judge."""
    return Finding(
        subject.model,
        subject.version,
        Role(subject.role),
        subject.feature,
        subject.check,
        None,
        None,
        None,
        None,
        Limits(),
        None,
        Verdict.TOO_LITTLE_DATA,
        0,
        0,
        window,
        subject.labels,
    )


def parse_open_after(text: str) -> tuple[int, int]:
    """The numbers of "2 of 3".

    Raises:
        ValueError: it is not of that form, or asks for more windows than it looks at.

    >>> parse_open_after("2 of 3")
    (2, 3)
    """
    found = re.fullmatch(r"([0-9]+) of ([0-9]+)", text)
    needed, among = map(int, found.groups()) if found else (0, 0)
    if not 0 < needed <= among:
        raise ValueError(f"{text!r} is not of the form '2 of 3'")
    return needed, among
