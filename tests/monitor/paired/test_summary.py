"""Sums of a pair of models: any split, merged in any order, is the whole."""

import json
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Outcomes
from otelml.monitor.paired.summary import Summary
from otelml.monitor.segments import take
from otelml.sketch.moments import Moments
from tests.monitor.decisions import CLASSES, decisions, estimated

maybe = st.sampled_from(["yes", "no", None])
score = st.one_of(st.just(np.nan), st.floats(0, 1))
number = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6))
Pair: TypeAlias = tuple[Outcomes, Outcomes]


@st.composite
def classifiers(draw: st.DrawFn) -> Pair:
    row = st.tuples(maybe, maybe, maybe, score, score)
    rows = draw(st.lists(row, max_size=40))
    truth, one, other, low, high = (
        np.array([r[i] for r in rows], k) for i, k in enumerate("OOOdd")
    )
    ones = np.ones(len(rows))
    return (
        Outcomes(one, truth, ones, CLASSES, low.reshape(-1, 1)),
        Outcomes(other, truth, ones, CLASSES, high.reshape(-1, 1)),
    )


@st.composite
def regressions(draw: st.DrawFn) -> Pair:
    rows = draw(st.lists(st.tuples(number, number, number), max_size=40))
    truth, one, other = np.array(rows, float).reshape(-1, 3).T
    return estimated(one, truth), estimated(other, truth)


def like(summary: Summary) -> tuple[object, list[float]]:
    """All but the last digits of the moments."""
    numbers = summary.numbers
    moments = [
        numbers.champion,
        numbers.challenger,
        numbers.difference,
        summary.errors,
        summary.champion_errors,
        *(summary.scores[name] for name in sorted(summary.scores)),
    ]
    sums = [x for m in moments for x in (m.count, m.mean if m.count else 0.0, m.m2)]
    return (dict(summary.classes.cells), numbers.within, summary.discordance), sums


@given(
    st.one_of(classifiers(), regressions()),
    st.lists(st.integers(0, 4), min_size=40, max_size=40),
    st.permutations(range(5)),
)
def test_parts_in_any_order_make_the_whole(pair: Pair, places: list[int], order: list[int]) -> None:
    owner = np.array(places[: len(pair[0].truth)], int)
    merged = Summary()
    for part in order:
        rows = owner == part
        merged = merged.merge(Summary.of(take(pair[0], rows), take(pair[1], rows)))
    counts, sums = like(Summary.of(*pair))
    found, found_sums = like(merged)
    assert counts == found
    assert sums == pytest.approx(found_sums, rel=1e-7, abs=1e-6)


def test_sums_survive_json() -> None:
    rng = np.random.default_rng(0)
    truth, one, other = rng.normal(size=(3, 50))
    for pair in (
        (decisions(1), decisions(2)),
        (estimated(one, truth), estimated(other, truth)),
    ):
        summary = Summary.of(*pair)
        assert summary == Summary.load(json.loads(json.dumps(summary.dump())))


def test_scores_are_of_the_classes_that_both_have() -> None:
    classes = np.array(["a", "b"], object)
    one = Outcomes(classes, classes, np.ones(2), ("a", "b"), np.array([[0.9, 0.1], [0.4, 0.6]]))
    other = Outcomes(classes, classes, np.ones(2), ("c", "a"), np.array([[0.5, 0.5], [0.4, 0.6]]))
    expected = Moments.of(np.array([0.5 - 0.9, 0.6 - 0.4]))
    assert {"a": expected} == Summary.of(one, other).scores


def test_what_is_no_pair_is_refused() -> None:
    rows = decisions(0)
    with pytest.raises(ValueError, match="6000 rows of the champion, 10 of the challenger"):
        Summary.of(rows, take(rows, np.arange(10)))
    with pytest.raises(ValueError, match="compare like with like"):
        Summary.of(rows, estimated(np.zeros(6000), np.zeros(6000)))
