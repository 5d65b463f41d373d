"""Concept drift: the errors of each model, in the order in which their labels came.

A drift alarms until the errors are back where they were before it.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.data import Finding, Limits, Outcomes, Owner, Role, Verdict
from otelml.monitor.concept import DETECTORS, Detector, Level
from otelml.store.joins import Joins

_MOST: Final = 1000
"""Owners whose streams are followed."""


class Followed(NamedTuple):
    """A stream as one detector sees it, and whether what it found is over."""

    detector: Detector
    level: Level


class Concepts:
    """Detectors on the streams of errors of all models; what they know is durable."""

    def __init__(self, chosen: tuple[str, ...], every: float) -> None:
        self._chosen, self._every = chosen, round(every * 1e9)
        self._last: dict[Owner, int] = {}
        self._followed: dict[Owner, dict[str, Followed]] = {}

    def feed(self, joins: Joins, owner: Owner, now: int) -> list[Finding]:
        """Findings on the labels that came since the last time, one a detector.

        The value is their mean error, the reference that before a drift that is not over. The
        effect is the number of drifts among them; while one is not over, 1 at least.
        """
        if not self._chosen or not self._has_room(joins, owner):
            return []
        seen: list[npt.NDArray[np.float64]] = []
        alarms = dict.fromkeys(self._chosen, (0, 0))
        for last, outcomes in joins.learned(owner, self._last.get(owner, 0)):
            self._last[owner] = last
            errors = errors_of(outcomes)
            if errors.size:
                seen.append(errors)
                self._update(owner, errors, binary=outcomes.classifies, alarms=alarms)
        if not seen:
            return []
        whole = np.concatenate(seen)
        start = now // self._every * self._every
        return [
            _finding(
                owner, name, float(whole.mean()), alarms[name], level, whole.size, (start, now)
            )
            for name, (_, level) in self._followed.get(owner, {}).items()
        ]

    def _has_room(self, joins: Joins, owner: Owner) -> bool:
        """Whether a stream is followed or can be; for that those that are over are forgotten."""
        if owner not in self._last and len(self._last) >= _MOST:
            for over in self._last.keys() - {*joins.owners()}:
                del self._last[over]
                self._followed.pop(over, None)
        return owner in self._last or len(self._last) < _MOST

    def _update(
        self,
        owner: Owner,
        errors: npt.NDArray[np.float64],
        *,
        binary: bool,
        alarms: dict[str, tuple[int, int]],
    ) -> None:
        held = self._followed.setdefault(owner, {})
        for name in self._chosen:
            if DETECTORS[name].binary and not binary:
                continue
            detector, level = held.setdefault(name, Followed(DETECTORS[name](), Level()))
            found = detector.update(errors)
            level.update(errors, found.drifts)
            warnings, drifts = alarms[name]
            alarms[name] = warnings + len(found.warnings), drifts + len(found.drifts)

    def dump(self) -> list[Any]:
        """Its state, for JSON."""
        return [
            [
                *owner,
                last,
                {
                    name: [detector.state(), level.state()]
                    for name, (detector, level) in self._followed.get(owner, {}).items()
                },
            ]
            for owner, last in self._last.items()
        ]

    def load(self, state: list[Any]) -> None:
        """Take up the state that `dump` described; detectors no longer chosen are forgotten."""
        for *owner_, last, followed in state:
            owner = Owner(*owner_)
            self._last[owner] = last
            self._followed[owner] = {
                name: Followed(DETECTORS[name].of(detector), Level.of(level))
                for name, (detector, level) in followed.items()
                if name in self._chosen
            }


def errors_of(outcomes: Outcomes) -> npt.NDArray[np.float64]:
    """Of a classifier 1 where it was wrong, of a regression the absolute error."""
    predicted, truth = outcomes.predicted, outcomes.truth
    if not outcomes.classifies:
        gaps: npt.NDArray[np.float64] = np.abs(predicted - truth)
        return gaps[np.isfinite(gaps)]
    pairs = zip(predicted.tolist(), truth.tolist(), strict=True)
    return np.array([p != t for p, t in pairs if p is not None and t is not None], np.float64)


def _finding(
    owner: Owner,
    name: str,
    error: float,
    alarms: tuple[int, int],
    level: Level,
    rows: int,
    window: tuple[int, int],
) -> Finding:
    warnings, drifts = alarms[0], max(alarms[1], int(level.raised))
    verdict = Verdict.ALARM if drifts else Verdict.WARN if warnings else Verdict.OK
    return Finding(
        owner.model,
        owner.version,
        Role.ERROR,
        None,
        name,
        error,
        None,
        None,
        float(drifts),
        Limits(None, 1.0),
        level.mean,
        verdict,
        rows,
        0,
        window,
    )
