"""Numbers that mean "missing", in any share of the rows, blind no feature."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from otelml.monitor.comparison import Comparison
from otelml.monitor.drift import wasserstein
from otelml.sketch.array import Floats
from otelml.sketch.matrix import Matrix
from otelml.sketch.numeric import Numeric
from tests.sketch.test_numeric import chained, ks, merged

SENTINELS = {
    "one above": np.array([1e6]),
    "one below": np.array([1.0]),
    "either side": np.array([1.0, 9999.0]),
    "negative": np.array([-1e6]),
}


def samples(sentinels: Floats, share: float) -> tuple[Floats, Floats]:
    """Narrow values half a standard deviation apart, with sentinels in a share of the rows."""
    rng = np.random.default_rng(0)
    both = rng.normal(1000, 1, 8000), rng.normal(1000.5, 1, 8000)
    for values in both:
        chosen = rng.choice(8000, int(share * 8000), replace=False)
        values[chosen] = rng.choice(sentinels, chosen.size)
    return both


def folded(values: Floats) -> Numeric:
    matrix = Matrix(1)
    for start in range(0, len(values), 700):
        matrix.update(values[start : start + 700, None])
    (sketch,) = matrix.take()
    return sketch


@pytest.mark.parametrize("name", SENTINELS)
@pytest.mark.parametrize(
    ("share", "size"), [(0.003, 1), (0.003, 7), *product([0.003, 0.03, 0.2], [40, 200, 8000])]
)
def test_they_blind_no_merged_sketch(name: str, share: float, size: int) -> None:
    a, b = samples(SENTINELS[name], share)
    exact = stats.ks_2samp(a, b).statistic
    assert exact == pytest.approx(ks(merged(a, size), merged(b, size)), abs=0.005)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_values_have_one_histogram(rows: int) -> None:
    """None of two values is the odd one: what a request or two told stands in one data point."""
    for seed in range(50):
        values = np.random.default_rng(seed).normal(0, 1, rows)
        assert not Numeric.of(values).tail.count


@pytest.mark.parametrize("share", [0.003, 0.03, 0.2, 0.45])
def test_they_blind_no_matrix(share: float) -> None:
    a, b = samples(SENTINELS["one above"], share)
    exact = stats.ks_2samp(a, b).statistic
    assert exact == pytest.approx(ks(folded(a), folded(b)), abs=0.005)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.8])
def test_most_rows_may_have_one(share: float) -> None:
    a, b = samples(SENTINELS["one above"], share)
    exact = stats.ks_2samp(a, b).statistic
    assert exact == pytest.approx(ks(merged(a, 200), merged(b, 200)), abs=0.005)


@pytest.mark.parametrize("share", [0.003, 0.1, 0.3, 0.5, 0.6, 0.9])
@pytest.mark.parametrize("name", SENTINELS)
def test_the_same_rows_folded_in_other_ways_do_not_drift(name: str, share: float) -> None:
    """However parts were laid out: a coarse tail and a fine body are not compared."""
    a, _ = samples(SENTINELS[name], share)
    ways = [Numeric.of(a), merged(a, 7), merged(a, 40), chained(a, 20), folded(a)]
    assert max(ks(one, other) for one in ways for other in ways) <= 0.01


def test_a_matrix_keeps_few_of_them_as_they_are() -> None:
    matrix = Matrix(1)
    rows = np.random.default_rng(0).normal(1000, 1, (50_000, 1))
    rows[::10] = 1e6
    for _ in range(30):
        matrix.update(rows)
    assert sum(part.size for part in matrix._strays[0]) <= 65_536 + 5_000
    (sketch,) = matrix.take()
    assert 1_500_000 == sketch.count
    assert 150_000 == pytest.approx(sketch.tail.count, rel=0.002)


def test_far_values_count_for_the_wasserstein_distance() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(0, 1, 6000), rng.lognormal(0, 1, 6000)
    b[0] = 1e4
    exact = stats.wasserstein_distance(a, b) / a.std()
    pair = Comparison([Numeric.of(a)], [Numeric.of(b)])
    assert exact == pytest.approx(wasserstein.measure(pair).value.item(), rel=0.03)


@pytest.mark.parametrize("size", [1e-95, 1e-295])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_values_next_to_zero_blind_no_centred_feature(size: float, shift: float) -> None:
    """What has underflowed stands between the values of either sign, and has buckets of its own."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 5000), rng.normal(shift, 1, 5000)
    for values in (a, b):
        values[::20] = size * rng.random(250)
    exact = stats.wasserstein_distance(a, b) / a.std()
    pair = Comparison([Numeric.of(a)], [Numeric.of(b)])
    assert exact == pytest.approx(wasserstein.measure(pair).value.item(), abs=0.005)


@pytest.mark.parametrize("far", [[], [535.0]])
def test_a_constant_beside_odd_values_does_not_drift(far: list[float]) -> None:
    """What is beyond a bucket on one side only does not tell where in it the values are."""
    constant = np.full(2000, 146.60520823611049)
    constant[::100] = -137342.70174798576
    other = np.r_[constant, far]
    exact = stats.ks_2samp(constant, other).statistic
    assert exact == pytest.approx(ks(Numeric.of(constant), Numeric.of(other)), abs=0.005)


@pytest.mark.parametrize("seed", range(4))
def test_three_clusters_without_drift_show_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [
        np.concatenate(
            [
                rng.normal(1459, 1, 3000 + more),
                rng.normal(-236_501, 428, 1600),
                np.round(rng.normal(1.4e6, 1e6, 1400)),
            ]
        )
        for more in (0, 40)
    ]
    a, b = map(rng.permutation, pairs)
    exact = stats.ks_2samp(a, b).statistic
    assert max(ks(way(a), way(b)) for way in (Numeric.of, folded)) <= exact + 0.005
