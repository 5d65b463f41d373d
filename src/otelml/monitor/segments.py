"""Slices of a window by configured columns, so that any measure of performance runs on a slice.

A window comes in pieces: sizes add up over them, the largest slices are kept and the others are
counted. Many slices make many tests: `adjusted` judges the findings of all of them anew.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml import names
from otelml.data import Finding, Outcomes, Verdict, Window
from otelml.monitor.check import adjust
from otelml.monitor.normal import normal_tail
from otelml.monitor.performance.check import CERTAIN, Rules
from otelml.monitor.performance.interval import Z
from otelml.monitor.performance.registry import judge
from otelml.monitor.performance.summaries import Summaries
from otelml.monitor.performance.summary import Summary

Labels: TypeAlias = tuple[tuple[str, str], ...]
Rows: TypeAlias = npt.NDArray[np.int64]

NAME: Final = names.SEGMENT_NAME
VALUE: Final = names.SEGMENT_VALUE
_OBSERVED: Final = ((names.PERFORMANCE_SOURCE, "ground_truth"),)
AND: Final = " & "
"""Stands between the columns of a conjunction, and between their values."""


By: TypeAlias = Sequence[Sequence[str]]
"""What to slice by; each is one column, or several for their conjunction."""


def sizes(outcomes: Outcomes, by: By) -> Counter[Labels]:
    """Rows of each slice; those of the pieces of a window add up.

    A row that lacks a column's value is in no slice by that column.
    """
    return Counter({labels: len(rows) for labels, rows in _cut(outcomes, by)})


def largest(sizes: Mapping[Labels, int], most: int = 50) -> tuple[tuple[Labels, ...], int]:
    """The labels of the largest slices, the largest first, and how many slices are left out."""
    ordered = sorted(sizes, key=lambda labels: (-sizes[labels], labels))
    return tuple(ordered[:most]), max(len(ordered) - most, 0)


def slices(
    outcomes: Outcomes, by: By, kept: Collection[Labels] | None = None
) -> Iterator[tuple[Labels, Outcomes]]:
    """The slices of a window, or of a piece of one, with their labels.

    Args:
        outcomes: The rows.
        by: What to slice by.
        kept: Labels of the slices to take; by default of all.

    """
    for labels, rows in _cut(outcomes, by):
        if kept is None or labels in kept:
            yield labels, take(outcomes, rows)


def _cut(outcomes: Outcomes, by: By) -> Iterator[tuple[Labels, Rows]]:
    """Labels and rows of each combination of values that occurs."""
    for columns in dict.fromkeys(map(tuple, by)):
        rows: defaultdict[str, list[int]] = defaultdict(list)
        values = (segment(outcomes, column).tolist() for column in columns)
        for row, combined in enumerate(zip(*values, strict=True)):
            if None not in combined:
                rows[AND.join(combined)].append(row)
        for value, places in rows.items():
            yield ((NAME, AND.join(columns)), (VALUE, value)), np.array(places, np.int64)


def segment(outcomes: Outcomes, column: str) -> npt.NDArray[Any]:
    """A segment column; of None where no row has a value."""
    return outcomes.segments.get(column, np.full(len(outcomes.predicted), None, object))


def known(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a value is not None."""
    return np.fromiter((value is not None for value in values), np.bool_, len(values))


def codes(values: npt.NDArray[Any]) -> tuple[tuple[str, ...], Rows]:
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


def judge_slices(
    rules: Rules, known: Summaries | None, slices: Mapping[Labels, Summary], window: Window
) -> list[Finding]:
    """Findings on the performance of slices, each beside the same slice of the baseline.

    A slice that the baseline does not have is compared with all of its rows.
    """
    return adjusted(
        [
            finding
            for labels, summary in slices.items()
            for finding in judge(
                rules, known.of(labels) if known else None, summary, window, (*_OBSERVED, *labels)
            )
        ]
    )


def adjusted(findings: Sequence[Finding]) -> list[Finding]:
    """The findings on the performance of all slices, adjusted over the slices of each measure.

    A measure is told apart by its check and by the labels that are not the segment's. How likely
    its effect is by chance follows from `limits.null`, which chance passes once in a thousand. A
    warning or an alarm that the adjusted p-value does not bear out becomes less, never more.
    """
    families: dict[tuple[str, Labels], list[int]] = defaultdict(list)
    for place, finding in enumerate(findings):
        rest = tuple(label for label in finding.labels if label[0] not in (NAME, VALUE))
        families[finding.check, rest].append(place)
    made = list(findings)
    for places in families.values():
        raw = [_p_value(findings[place]) for place in places]
        for place, p, p_adjusted in zip(places, raw, adjust(raw), strict=True):
            if p_adjusted is not None:
                verdict = _borne_out(findings[place].verdict, p_adjusted)
                made[place] = findings[place]._replace(
                    p_value=p, p_value_adjusted=p_adjusted, verdict=verdict
                )
    return made


def _p_value(finding: Finding) -> float | None:
    """Of a change that was judged; None without a reference."""
    effect, null = finding.effect, finding.limits.null
    if finding.verdict not in _LEVELS or effect is None or null is None:
        return None
    if not math.isfinite(null):
        return None
    if not null:
        return 0.0 if effect else 1.0
    return normal_tail(effect / null * CERTAIN * Z)


def _borne_out(verdict: Verdict, p_value: float) -> Verdict:
    while p_value >= _LEVELS[verdict]:
        verdict = _LESS[verdict]
    return verdict


_LEVELS: Final = {Verdict.OK: math.inf, Verdict.WARN: 0.05, Verdict.ALARM: 0.001}
_LESS: Final = {Verdict.ALARM: Verdict.WARN, Verdict.WARN: Verdict.OK}
