"""Concept drift: the errors of each model, in the order in which their labels came."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otelml.data import Finding, Limits, Outcomes, Owner, Role, Verdict
from otelml.monitor.concept import DETECTORS, Detector
from otelml.store.joins import Joins

_MOST: Final = 1000
"""Owners whose streams are followed."""


class Concepts:
    """Detectors on the streams of errors of all models; what they know is durable."""

    def __init__(self, chosen: tuple[str, ...], every: float) -> None:
        self._chosen, self._every = chosen, round(every * 1e9)
        self._last: dict[Owner, int] = {}
        self._detectors: dict[Owner, dict[str, Detector]] = {}

    def feed(self, joins: Joins, owner: Owner, now: int) -> list[Finding]:
        """Findings on the labels that came since the last time, one a detector.

        The value is the mean error, the effect the number of drifts in it.
        """
        if not self._chosen or (owner not in self._last and len(self._last) >= _MOST):
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
            _finding(owner, name, float(whole.mean()), told, whole.size, (start, now))
            for name, told in alarms.items()
            if name in self._detectors.get(owner, ())
        ]

    def _update(
        self,
        owner: Owner,
        errors: npt.NDArray[np.float64],
        *,
        binary: bool,
        alarms: dict[str, tuple[int, int]],
    ) -> None:
        held = self._detectors.setdefault(owner, {})
        for name in self._chosen:
            if DETECTORS[name].binary and not binary:
                continue
            found = held.setdefault(name, DETECTORS[name]()).update(errors)
            warnings, drifts = alarms[name]
            alarms[name] = warnings + len(found.warnings), drifts + len(found.drifts)

    def dump(self) -> list[Any]:
        """Its state, for JSON."""
        return [
            [*owner, last, {n: d.state() for n, d in self._detectors.get(owner, {}).items()}]
            for owner, last in self._last.items()
        ]

    def load(self, state: list[Any]) -> None:
        """Take up the state that `dump` described; detectors no longer chosen are forgotten."""
        for *owner_, last, detectors in state:
            owner = Owner(*owner_)
            self._last[owner] = last
            self._detectors[owner] = {
                name: DETECTORS[name].of(given)
                for name, given in detectors.items()
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
    rows: int,
    window: tuple[int, int],
) -> Finding:
    warnings, drifts = alarms
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
        None,
        verdict,
        rows,
        0,
        window,
    )
