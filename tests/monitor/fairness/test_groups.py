"""Sums by group: any split, merged in any order, is the whole."""

import json
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Outcomes
from otelml.monitor.fairness.groups import Groups
from otelml.monitor.segments import take
from tests.monitor.decisions import CLASSES, decisions

maybe = st.sampled_from(["yes", "no", None])
row = st.tuples(
    st.sampled_from(["a", "b", "c", None]),
    maybe,
    maybe,
    st.one_of(st.just(np.nan), st.floats(0, 1)),
    st.floats(0, 5),
)
tables = st.lists(row, max_size=40)


Row: TypeAlias = tuple[str | None, str | None, str | None, float, float]


def outcomes(rows: list[Row]) -> Outcomes:
    group, predicted, truth, scores, weight = (
        np.array([r[i] for r in rows], kind) for i, kind in enumerate("OOOdd")
    )
    return Outcomes(
        predicted, truth, weight, CLASSES, scores.reshape(-1, 1), segments={"group": group}
    )


@given(tables, st.lists(st.integers(0, 4), min_size=40, max_size=40), st.permutations(range(5)))
def test_parts_in_any_order_make_the_whole(
    rows: list[Row], places: list[int], order: list[int]
) -> None:
    whole = outcomes(rows)
    owner = np.array(places[: len(rows)], int)
    merged = Groups.empty()
    for part in order:
        merged = merged.merge(Groups.of(take(whole, owner == part), "group", "yes"))
    expected = Groups.of(whole, "group", "yes")
    assert expected.names == merged.names
    np.testing.assert_allclose(expected.sums, merged.sums, rtol=1e-12, atol=1e-12)


def test_merging_changes_neither_part() -> None:
    one, other = Groups.of(decisions(1), "group", "yes"), Groups.of(decisions(2), "group", "yes")
    before = one.sums.copy()
    both = one.merge(other)
    assert before.tolist() == one.sums.tolist()
    assert (one.rows + other.rows).tolist() == both.rows.tolist()


def test_sums_survive_json() -> None:
    groups = Groups.of(decisions(weighted=True), "group", "yes")
    back = Groups.load(json.loads(json.dumps(groups.dump())))
    assert (groups.names, groups.sums.tolist()) == (back.names, back.sums.tolist())


def test_a_row_without_a_truth_counts_for_selection_only() -> None:
    rows: list[Row] = [
        ("a", "yes", None, 0.9, 1.0),
        ("a", "no", "no", 0.1, 1.0),
        (None, "yes", "yes", 1, 1),
    ]
    groups = Groups.of(outcomes(rows), "group", "yes")
    assert ([0.5], [2]) == (groups.selection.values.tolist(), groups.selection.rows.tolist())
    assert ([0.0], [1]) == (
        groups.false_positive.values.tolist(),
        groups.false_positive.rows.tolist(),
    )
    assert np.isnan(groups.precision.values[0])


def test_weighted_rows_are_worth_fewer() -> None:
    rows = decisions(weighted=True)
    groups = Groups.of(rows, "group", "yes")
    for place, name in enumerate(groups.names):
        weight = rows.weight[(rows.segments["group"] == name) & (rows.truth == "yes")]
        worth = weight.sum() ** 2 / (weight**2).sum()
        assert worth == pytest.approx(groups.true_positive.rows[place])


def test_another_class_may_be_the_positive_one() -> None:
    rows = decisions()
    yes, no = (Groups.of(rows, "group", positive) for positive in ("yes", "no"))
    assert (1 - yes.selection.values).tolist() == pytest.approx(no.selection.values.tolist())


def test_a_score_without_a_name_is_the_positive_classs() -> None:
    rows = decisions()
    unnamed = replace(rows, classes=("",))
    expected = Groups.of(rows, "group", "yes").sums.tolist()
    assert expected == Groups.of(unnamed, "group", "yes").sums.tolist()


def test_a_column_that_no_row_has_has_no_groups() -> None:
    assert () == Groups.of(decisions(), "age", "yes").names


def test_calibration_follows_its_definitions() -> None:
    rows = decisions(3, unfair=0.4)
    groups = Groups.of(rows, "group", "yes")
    assert rows.scores is not None
    for place, name in enumerate(groups.names):
        here = rows.segments["group"] == name
        score, right = rows.scores[here, 0], rows.truth[here] == "yes"
        bins = np.minimum((score * 10).astype(int), 9)
        gaps = [abs((score - right)[bins == b].sum()) for b in range(10)]
        assert sum(gaps) / here.sum() == pytest.approx(groups.calibration_error[place])
        mean, size, variance = (float(x[place]) for x in groups.calibration)
        errors = score - right
        assert (errors.mean(), here.sum(), errors.var()) == pytest.approx((mean, size, variance))
