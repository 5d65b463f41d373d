"""Slices of a window by configured columns, so that any measure of performance runs on a slice.

There are at most so many, the largest first; what is left out is counted. Many slices make many
tests: `adjusted` judges the findings of all of them anew.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.data import Finding, Outcomes, Verdict
from otelml.monitor.check import adjust, judged

Labels: TypeAlias = tuple[tuple[str, str], ...]
Codes: TypeAlias = npt.NDArray[np.int64]

NAME: Final = "ml.segment.name"
VALUE: Final = "ml.segment.value"
AND: Final = " & "
"""Stands between the columns of a conjunction, and between their values."""


@dataclass(frozen=True, slots=True)
class Slices:
    """The largest slices: labels and rows of each. `left_out` counts the others."""

    outcomes: Outcomes
    kept: tuple[tuple[Labels, Codes], ...]
    left_out: int

    def __iter__(self) -> Iterator[tuple[Labels, Outcomes]]:
        for labels, rows in self.kept:
            yield labels, take(self.outcomes, rows)


def slices(outcomes: Outcomes, by: Sequence[Sequence[str]], most: int = 50) -> Slices:
    """The slices of a window, the largest first.

    Args:
        outcomes: The window. A row that lacks a column's value is in no slice by that column.
        by: What to slice by; each is one column, or several for their conjunction.
        most: Slices to keep, of all together.

    Raises:
        ValueError: If the window has no such segment.

    """
    found = [piece for columns in by for piece in _cut(outcomes, columns)]
    found.sort(key=lambda piece: (-len(piece[1]), piece[0]))
    return Slices(outcomes, tuple(found[:most]), max(len(found) - most, 0))


def _cut(outcomes: Outcomes, columns: Sequence[str]) -> Iterator[tuple[Labels, Codes]]:
    """Labels and rows of each combination of values that occurs."""
    coded = [codes(segment(outcomes, column)) for column in columns]
    sizes = [len(names) for names, _ in coded]
    rows = np.flatnonzero(np.all([places >= 0 for _, places in coded], axis=0))
    if not rows.size:
        return
    cells = np.ravel_multi_index([places[rows] for _, places in coded], sizes)
    order = np.argsort(cells, kind="stable")
    present, starts = np.unique(cells[order], return_index=True)
    name = AND.join(columns)
    for cell, part in zip(present, np.split(rows[order], starts[1:]), strict=True):
        places = np.unravel_index(cell, sizes)
        values = [names[place] for (names, _), place in zip(coded, places, strict=True)]
        yield ((NAME, name), (VALUE, AND.join(values))), part


def segment(outcomes: Outcomes, column: str) -> npt.NDArray[Any]:
    """A segment column; ValueError if there is none of that name."""
    if column not in outcomes.segments:
        known = ", ".join(sorted(outcomes.segments)) or "there is none"
        raise ValueError(f"unknown segment {column!r}: choose among {known}")
    return outcomes.segments[column]


def known(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a value is not None."""
    return np.fromiter((value is not None for value in values), np.bool_, len(values))


def codes(values: npt.NDArray[Any]) -> tuple[tuple[str, ...], Codes]:
    """The distinct values, sorted, and the place of each row's among them; -1 of None.

    >>> codes(np.array(["b", None, "a", "b"], object))
    (('a', 'b'), array([ 1, -1,  0,  1]))
    """
    told = values.tolist()
    names = sorted({value for value in told if value is not None})
    places = {name: place for place, name in enumerate(names)}
    return tuple(names), np.fromiter((places.get(v, -1) for v in told), np.int64, len(told))


def take(outcomes: Outcomes, rows: npt.NDArray[Any]) -> Outcomes:
    """Some rows, by position or by mask."""
    return replace(
        outcomes,
        predicted=outcomes.predicted[rows],
        truth=outcomes.truth[rows],
        weight=outcomes.weight[rows],
        scores=None if outcomes.scores is None else outcomes.scores[rows],
        low=None if outcomes.low is None else outcomes.low[rows],
        high=None if outcomes.high is None else outcomes.high[rows],
        segments={name: values[rows] for name, values in outcomes.segments.items()},
    )


def adjusted(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of all slices, with p-values adjusted over the slices of each measure.

    A measure is told apart by its check and by the labels that are not the segment's. A warning or
    an alarm that the adjusted p-value does not bear out becomes less, never more; a finding without
    a p-value stays as it is.
    """
    families: dict[tuple[str, Labels], list[int]] = defaultdict(list)
    for place, finding in enumerate(findings):
        rest = tuple(label for label in finding.labels if label[0] not in (NAME, VALUE))
        families[finding.check, rest].append(place)
    made = list(findings)
    for places in families.values():
        p_values = adjust([findings[place].p_value for place in places])
        for place, p_value in zip(places, p_values, strict=True):
            if p_value is not None:
                made[place] = _judged(findings[place], p_value)
    return made


def _judged(finding: Finding, p_value: float) -> Finding:
    verdict = finding.verdict
    if verdict in _SEVERITY and finding.effect is not None:
        again = judged(finding.effect, p_value, finding.limits)
        verdict = min(verdict, again, key=_SEVERITY.index)
    return replace(finding, p_value_adjusted=p_value, verdict=verdict)


_SEVERITY: Final = (Verdict.OK, Verdict.WARN, Verdict.ALARM)
