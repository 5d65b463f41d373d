"""Slices of a window: which rows, how many, and what many of them do to a p-value."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Finding, Limits, Outcomes, Role, Verdict
from otelml.monitor.check import adjust
from otelml.monitor.segments import adjusted, slices, take
from tests.monitor.decisions import decisions

ROWS = decisions(0, (300, 200, 100))


def test_a_slice_has_the_rows_of_its_value() -> None:
    frame = pd.DataFrame({"group": ROWS.segments["group"], "truth": ROWS.truth})
    found = dict(slices(ROWS, [["group"]]))
    assert 3 == len(found)
    for value, rows in frame.groupby("group"):
        part = found[("ml.segment.name", "group"), ("ml.segment.value", str(value))]
        assert rows.truth.tolist() == part.truth.tolist()
        assert part.scores is not None
        assert ROWS.scores is not None
        assert ROWS.scores[rows.index].tolist() == part.scores.tolist()
        assert {value} == set(part.segments["group"])


def test_a_conjunction_has_the_rows_of_all_its_values() -> None:
    counts = Counter(zip(ROWS.segments["sex"], ROWS.segments["group"], strict=True))
    expected = {
        (("ml.segment.name", "sex & group"), ("ml.segment.value", f"{sex} & {group}")): n
        for (sex, group), n in counts.items()
    }
    assert expected == {labels: len(p.truth) for labels, p in slices(ROWS, [["sex", "group"]])}


def test_the_largest_are_kept_and_the_others_counted() -> None:
    found = slices(ROWS, [["group"], ["sex", "group"]], most=2)
    values = [dict(labels)["ml.segment.value"] for labels, _ in found]
    assert (["g0", "g1"], 7) == (values, found.left_out)


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


def test_an_unknown_segment_is_named() -> None:
    with pytest.raises(ValueError, match="unknown segment 'age': choose among group, sex"):
        slices(ROWS, [["age"]])


def found(
    value: str, p_value: float | None, check: str = "accuracy", effect: float = 0.3
) -> Finding:
    return Finding(
        "m",
        None,
        Role.ERROR,
        None,
        check,
        0.5,
        p_value,
        p_value,
        effect,
        Limits(0.05, 0.1),
        None,
        Verdict.ALARM,
        500,
        0,
        (0, 1),
        (("ml.segment.name", "group"), ("ml.segment.value", value)),
    )


def test_p_values_are_adjusted_over_the_slices_of_a_measure() -> None:
    raw = [1e-7, 2e-3, 0.5]
    findings = [found(f"g{i}", p) for i, p in enumerate(raw)]
    after = adjusted([*findings, found("g0", 2e-3, "f1"), found("g1", None, "mae")])
    assert [*adjust(raw), 2e-3, None] == [f.p_value_adjusted for f in after]
    assert ["alarm", "warn", "ok", "warn", "alarm"] == [f.verdict for f in after]


def test_adjusting_never_makes_a_verdict_worse() -> None:
    quiet = replace(found("g0", 1e-9), verdict=Verdict.OK)
    little = replace(found("g1", 1e-9), verdict=Verdict.TOO_LITTLE_DATA)
    assert ["ok", "too_little_data"] == [f.verdict for f in adjusted([quiet, little])]
