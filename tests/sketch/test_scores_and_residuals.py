import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.sketch.array import Floats
from otelml.sketch.dependence import Dependence
from otelml.sketch.residuals import Residuals
from otelml.sketch.scores import Scores
from otelml.sketch.weighted import Weighted

scored = st.lists(
    st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 5)), min_size=1, max_size=60
)


def scores(rows: list[tuple[float, bool, int]]) -> Scores:
    x, hits, weights = (np.array(part) for part in zip(*rows, strict=True))
    return Scores.of(x, hits.astype(np.bool_), weights.astype(np.float64))


@given(scored, scored)
def test_scores_of_parts_make_the_whole(one: Any, other: Any) -> None:
    whole = scores(one + other)
    assert whole == scores(other).merge(scores(one))
    assert whole == whole.merge(Scores.empty())
    assert whole == Scores.load(json.loads(json.dumps(whole.dump())))
    assert sum(w for _, hit, w in one + other if hit) == whole.weights[0]
    assert sum(w * w for _, hit, w in one + other if not hit) == whole.squares[1]


def test_scores_know_whether_they_are_probabilities() -> None:
    hits = np.array([True, False])
    assert Scores.of(np.array([0.0, 1.0]), hits).are_probabilities
    assert not Scores.of(np.array([0.5, 1.0000001]), hits).are_probabilities
    assert not Scores.of(np.array([-1e-300, 0.5]), hits).are_probabilities
    assert not Scores.empty().are_probabilities


@pytest.mark.parametrize(("at", "spread"), [(0, 1), (1e9, 1), (1e15, 1), (-1e-9, 1e-12), (5, 1e70)])
def test_moments_keep_their_digits_however_they_are_merged(at: float, spread: float) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.normal(at, spread, 20_000), rng.uniform(0, 2, 20_000)
    near = (x - at).astype(np.longdouble)  # exact: so far from zero there are no more digits
    variance = np.average((near - np.average(near, weights=w)) ** 2, weights=w)
    got = Weighted()
    for part in np.split(np.arange(x.size), [1, 2, 5_000, 5_007, 19_999]):
        got = got.merge(Weighted.of(x[part], w[part]))
    assert float(np.average(near, weights=w)) == pytest.approx(
        got.mean - at, rel=1e-9, abs=1e-15 * abs(at)
    )
    assert float(variance) == pytest.approx(got.variance, rel=1e-9)
    assert w.sum() ** 2 / (w**2).sum() == pytest.approx(got.effective)
    assert got == Weighted.load(json.loads(json.dumps(got.dump())))


def parts(values: Floats, size: int) -> list[Floats]:
    return [values[i : i + size] for i in range(0, len(values), size)]


@pytest.mark.parametrize("at", [0.0, 1e9])
@pytest.mark.parametrize("size", [1, 7, 3_000])
def test_errors_of_parts_make_the_whole(at: float, size: int) -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(at, 1, 3_000)
    guess = truth + rng.normal(0.1, 0.5, 3_000)
    w = rng.uniform(0.5, 2, 3_000)
    whole = Residuals.of(guess, truth, w, guess - 1, guess + 1)
    merged = Residuals.empty()
    for f, y, weight in zip(parts(guess, size), parts(truth, size), parts(w, size), strict=True):
        merged = merged.merge(Residuals.of(f, y, weight, f - 1, f + 1))
    for name in ("error", "absolute", "squared", "relative", "target", "covered"):
        expected, got = getattr(whole, name), getattr(merged, name)
        assert expected.mean == pytest.approx(got.mean, rel=1e-9), name
        assert expected.variance == pytest.approx(got.variance, rel=1e-9), name
    assert whole.by_prediction.index.tolist() == merged.by_prediction.index.tolist()
    np.testing.assert_allclose(whole.by_prediction.sums, merged.by_prediction.sums, rtol=1e-9)
    expected, got = (r.dependence.variance_of_ratio() for r in (whole, merged))
    assert expected == pytest.approx(got, rel=1e-9)
    assert merged == Residuals.load(json.loads(json.dumps(merged.dump())))


def test_the_dependence_is_the_variance_of_what_it_says() -> None:
    rng = np.random.default_rng(4)
    y, w = rng.lognormal(0, 0.5, 5_000) + 1e6, rng.uniform(0.5, 2, 5_000)
    u = (y - 1e6) ** 2 * rng.exponential(1, 5_000)
    squares = (y - np.average(y, weights=w)) ** 2
    ratio = np.average(u, weights=w) / np.average(squares, weights=w)
    expected = np.average((u - ratio * squares) ** 2, weights=w)
    expected /= np.average(squares, weights=w) ** 2
    assert expected == pytest.approx(Dependence.of(y, u, w).variance_of_ratio(), rel=1e-9)


def test_rows_without_a_number_are_left_out() -> None:
    nan = float("nan")
    got = Residuals.of(np.array([1.0, nan, 2.0, np.inf]), np.array([2.0, 1.0, nan, 1.0]))
    assert 1.0 == got.error.weight
    low, high = np.array([0.0, nan]), np.array([3.0, 3.0])
    got = Residuals.of(np.ones(2), np.ones(2), None, low, high)
    assert (1.0, 1.0) == (got.covered.weight, got.covered.mean)
