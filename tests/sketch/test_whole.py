"""Whole numbers are told from the buckets, and are then where they must be."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from otelml.sketch.align import alike, cdfs
from otelml.sketch.buckets import bucket_bound
from otelml.sketch.numeric import Numeric
from otelml.sketch.whole import _have, _inside


@given(
    st.integers(-200, 200),
    st.integers(2, 150),
    st.integers(30, 3_000),
    st.integers(0, 1 << 30),
)
def test_each_bucket_is_cut_into_its_whole_numbers(
    low: int, width: int, rows: int, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(low, low + width, rows).astype(float)
    sketch = Numeric.of(values)
    wide = Numeric.of(np.append(values, [low - 3 * width, low + 4 * width]))
    for held in (sketch, *sketch.alike(wide)):
        lower, upper, counts = held.buckets()
        assert counts.sum() == held.body.count
        assert counts.min() > 0
        assert (lower <= upper).all()
        assert (upper[:-1] <= lower[1:]).all()
        if held.whole:
            cut = upper - lower < 1e-6
            assert (upper[cut] == np.round(upper[cut])).all()
            assert held.minimum <= upper[0] <= upper[-1] <= held.maximum
            assert held.cdf(held.maximum) == 1


@example(0, -162, -1024.0)  # so near the origin that both bounds are one number
@given(st.integers(-6, 4), st.integers(-300, 300), st.sampled_from([0.0, 3.0, -1024.0]))
def test_a_bucket_has_a_whole_number_if_there_is_a_first_one(
    scale: int, index: int, origin: float
) -> None:
    low, high = bucket_bound([index, index + 1], scale + 2).clip(0, 1e300)
    lower, upper = np.array([-high, 0.0, low]) + origin, np.array([-low, 0.0, high]) + origin
    first, last = _inside(lower, upper, origin)
    assert (_have(lower, upper, origin) == (first <= last)).all()


@pytest.mark.parametrize("low", [18, -89, -30])
def test_distances_of_whole_numbers_that_share_buckets_are_those_of_the_rows(low: int) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(low, low + 72, (2, 20_000)).astype(float)
    for shift in (-4.0, 0.0, 1.0, 2.0, 6.0):
        one, other = Numeric.of(a), Numeric.of(b + shift)
        assert one.whole
        assert other.whole
        both = cdfs(alike([one], [other]))
        gap = np.abs(both.reference - both.current).max()
        assert stats.ks_2samp(a, b + shift).statistic == pytest.approx(gap, abs=0.003)


@pytest.mark.parametrize("step", [0.5, 0.25, 0.999])
def test_other_numbers_are_not_taken_for_whole(step: float) -> None:
    rng = np.random.default_rng(5)
    assert not Numeric.of(rng.integers(18, 90, 5_000) * step).whole
    assert not Numeric.of(np.append(rng.uniform(18, 90, 5_000), [18.0, 90.0])).whole
    assert not Numeric.of(np.append(rng.integers(18, 90, 5_000), np.full(50, 20.5))).whole
    assert not Numeric.of(rng.lognormal(6, 1, 5_000)).whole
    assert not Numeric.of(rng.normal(0, 30, 5_000)).whole


@pytest.mark.parametrize("odd", [20.5, 1e-12, 0.3, -1e9, 1e300, -7.25])
def test_an_odd_value_changes_little(odd: float) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(18, 90, (2, 20_000)).astype(float)
    for one, other in ((a, np.append(b, odd)), (np.append(a, odd), b)):
        both = cdfs(alike([Numeric.of(one)], [Numeric.of(other)]))
        gap = np.abs(both.reference - both.current).max()
        assert stats.ks_2samp(one, other).statistic == pytest.approx(gap, abs=0.005)


def test_a_merged_and_condensed_sketch_is_still_whole() -> None:
    rng = np.random.default_rng(5)
    one, other = (Numeric.of(rng.integers(0, 100, 1_000).astype(float)) for _ in range(2))
    assert one.merge(other).whole
    assert one.merge(other).condensed().whole


def test_what_one_shows_holds_for_the_other() -> None:
    rng = np.random.default_rng(5)
    a = np.where(rng.random(20_000) < 0.1, 999.0, rng.integers(0, 60, 20_000))
    b = np.where(rng.random(20_000) < 0.1, 999.0, rng.integers(28, 88, 20_000))
    one, other = Numeric.of(a), Numeric.of(b)
    assert (one.whole, other.whole) == (True, False)  # its buckets are wide: none is empty
    assert all(sketch.whole for sketch in one.alike(other))
    mixed = np.append(b, np.full(100, 2.5))
    fractions = Numeric.of(mixed)
    assert not any(sketch.whole for sketch in one.alike(fractions))  # or lines cut one of them only
    for values, held in ((b, other), (mixed, fractions)):
        both = cdfs(alike([one], [held]))
        gap = np.abs(both.reference - both.current).max()
        assert stats.ks_2samp(a, values).statistic == pytest.approx(gap, abs=0.002)


@pytest.mark.parametrize("often", [5.0, 1000.0])
@pytest.mark.parametrize(("rows", "others"), [(300, 0.1), (1000, 0.03), (1000, 0.1)])
def test_a_whole_number_that_most_rows_have_among_others_does_not_drift(
    often: float, rows: int, others: float
) -> None:
    """A small sample may show nothing but that number where a larger one shows its neighbours."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        a, b = (
            np.where(rng.random(n) < others, rng.normal(often, 1, n), often) for n in (rows, 5000)
        )
        both = cdfs(alike([Numeric.of(a)], [Numeric.of(b)]))
        gap = np.abs(both.reference - both.current).max()
        assert stats.ks_2samp(a, b).statistic == pytest.approx(gap, abs=0.02)
