"""Slices of a window: which rows, how many, and what many of them do to a p-value."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Finding, Limits, Model, Outcomes, Role, Verdict
from otelml.monitor.check import adjust
from otelml.monitor.performance.check import Rules, Span
from otelml.monitor.performance.registry import METRICS, judge
from otelml.monitor.performance.summary import Summary
from otelml.monitor.segments import Labels, adjusted, largest, sizes, slices, take
from tests.monitor.decisions import decisions

ROWS = decisions(0, (300, 200, 100))


def labels(name: str, value: str) -> Labels:
    return ("ml.segment.name", name), ("ml.segment.value", value)


def test_a_slice_has_the_rows_of_its_value() -> None:
    frame = pd.DataFrame({"group": ROWS.segments["group"], "truth": ROWS.truth})
    found = dict(slices(ROWS, [["group"]]))
    assert 3 == len(found)
    for value, rows in frame.groupby("group"):
        part = found[labels("group", str(value))]
        assert rows.truth.tolist() == part.truth.tolist()
        assert part.scores is not None
        assert ROWS.scores is not None
        assert ROWS.scores[rows.index].tolist() == part.scores.tolist()
        assert {value} == set(part.segments["group"])


def test_a_conjunction_has_the_rows_of_all_its_values() -> None:
    counts = Counter(zip(ROWS.segments["sex"], ROWS.segments["group"], strict=True))
    expected = {labels("sex & group", f"{sex} & {g}"): n for (sex, g), n in counts.items()}
    assert expected == {told: len(p.truth) for told, p in slices(ROWS, [["sex", "group"]])}
    assert expected == sizes(ROWS, [["sex", "group"]])


def test_the_largest_are_kept_and_the_others_counted() -> None:
    by = [["group"], ["sex", "group"]]
    kept, left_out = largest(sizes(ROWS, by), most=2)
    assert ((labels("group", "g0"), labels("group", "g1")), 7) == (kept, left_out)
    assert {*kept} == {told for told, _ in slices(ROWS, by, kept)}


def test_sizes_of_pieces_add_up() -> None:
    by = [["group"], ["sex"]]
    pieces = [take(ROWS, rows) for rows in np.array_split(np.arange(600), 7)]
    assert sizes(ROWS, by) == sum((sizes(piece, by) for piece in pieces), Counter())


def test_a_column_that_no_row_has_makes_no_slice() -> None:
    assert [] == [*slices(ROWS, [["age"], ["age", "sex"]])]


def test_what_is_named_twice_is_cut_once() -> None:
    assert sizes(ROWS, [["sex"]]) == sizes(ROWS, [["sex"], ["sex"]])
    assert 2 == len([*slices(ROWS, [["sex"], ["sex"]])])


def test_all_arrays_are_cut() -> None:
    low = np.arange(600.0)
    part = take(replace(ROWS, low=low, high=low + 1), np.array([5, 7]))
    assert part.low is not None
    assert part.high is not None
    assert ([5, 7], [6, 8]) == (part.low.tolist(), part.high.tolist())


words = st.lists(st.one_of(st.none(), st.sampled_from("abc")), max_size=30)


@given(words, words)
def test_each_row_without_a_gap_is_in_one_slice(
    one: list[str | None], two: list[str | None]
) -> None:
    n = min(len(one), len(two))
    columns = {"one": np.array(one[:n], object), "two": np.array(two[:n], object)}
    ids = np.arange(n, dtype=np.float64)
    outcomes = Outcomes(ids, ids, np.ones(n), segments=columns)
    found = [i for _, part in slices(outcomes, [["one", "two"]]) for i in part.truth.tolist()]
    whole = [i for i in range(n) if one[i] is not None and two[i] is not None]
    assert whole == sorted(found)


def found(value: str, certainty: float, check: str = "accuracy") -> Finding:
    """An alarm, with an effect so many times what chance passes once in a thousand."""
    return Finding(
        "m",
        None,
        Role.ERROR,
        None,
        check,
        0.5,
        None,
        None,
        0.3,
        Limits(0.05, 0.1, 0.3 / certainty),
        0.8,
        Verdict.ALARM,
        500,
        500,
        (0, 1),
        labels("group", value),
    )


def test_p_values_are_adjusted_over_the_slices_of_a_measure() -> None:
    findings = [found("g0", 1.5), found("g1", 1.0), found("g2", 0.1)]
    after = adjusted([*findings, found("g0", 1.0, "f1")])
    raw = [f.p_value for f in after[:3]]
    assert 0.001 == pytest.approx(raw[1])
    assert adjust(raw) == [f.p_value_adjusted for f in after[:3]]
    assert ["alarm", "warn", "ok"] == [f.verdict for f in after[:3]]
    assert 0.001 == pytest.approx(after[3].p_value_adjusted)


def test_adjusting_never_makes_a_verdict_worse_and_leaves_what_was_not_judged() -> None:
    quiet = found("g0", 3.0)._replace(verdict=Verdict.OK)
    little = found("g1", 3.0)._replace(verdict=Verdict.TOO_LITTLE_DATA)
    alone = found("g2", 3.0)._replace(limits=Limits(0.05, 0.1))
    after = adjusted([quiet, little, alone])
    assert ["ok", "too_little_data", "alarm"] == [f.verdict for f in after]
    assert [little, alone] == after[1:]


def test_slices_without_a_change_are_quiet_and_one_that_fails_is_found() -> None:
    """Fifty slices beside the whole of a window of old, with and without the adjustment."""
    names = tuple(m.name for m in METRICS if m.name not in ("accuracy", "precision", "recall"))
    rules = Rules(METRICS, frozenset(names))
    window = Span(Model("m"), 0, 1)
    reference = Summary.of(decisions(100, (50_000,)))
    before, after = [], []
    for seed in range(10):
        rows = decisions(seed, (400,) * 50)
        if seed == 9:
            bad = rows.segments["group"] == "g7"
            rows.predicted[bad] = np.where(rows.truth[bad] == "yes", "no", "yes")
        told = [
            finding
            for labels, part in slices(rows, [["group"]])
            for finding in judge(rules, reference, Summary.of(part), window, labels)
        ]
        before += [f for f in told if f.verdict == "warn"]
        after += [(seed, f) for f in adjusted(told) if f.verdict in ("warn", "alarm")]
    wrong = [f for seed, f in after if (seed, dict(f.labels)["ml.segment.value"]) != (9, "g7")]
    assert len(before) > 30
    assert len(wrong) <= 5
    assert ["alarm"] * 3 == [f.verdict for seed, f in after if f not in wrong]
