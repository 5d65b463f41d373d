"""Laws of the numeric sketch: parts make the whole, moments are exact, bad values do not blind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from otelml.sketch.align import alike, cdfs
from otelml.sketch.array import Floats
from otelml.sketch.exponential import Exponential
from otelml.sketch.matrix import Matrix
from otelml.sketch.numeric import Numeric

BAD = np.array([1.0, 0.0, -1e9, 1e300])
anything = st.lists(st.floats(allow_subnormal=True), max_size=80)
moderate = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=80)


def merged(values: Floats, size: int) -> Numeric:
    """The sketch of parts of `size` rows, merged as a tree: as windows and replicas do."""
    sketches = [Numeric.of(values[i : i + size]) for i in range(0, len(values), size)]
    while len(sketches) > 1:
        pairs = [sketches[i : i + 2] for i in range(0, len(sketches), 2)]
        sketches = [pair[0].merge(pair[1]) if len(pair) > 1 else pair[0] for pair in pairs]
    return sketches[0]


def chained(values: Floats, size: int) -> Numeric:
    """The same, one after the other."""
    sketch = Numeric.empty()
    for start in range(0, len(values), size):
        sketch = sketch.merge(Numeric.of(values[start : start + size]))
    return sketch


def ks(one: Numeric, other: Numeric) -> float:
    both = cdfs(alike([one], [other]))
    return float(np.abs(both.reference - both.current).max())


def spoiled(rng: np.random.Generator, location: float, rows: int) -> Floats:
    values = rng.normal(location, 1, rows)
    values[: rows // 1000] = np.resize(BAD, rows // 1000)
    rng.shuffle(values)
    return values


@pytest.mark.parametrize("merge", [merged, chained])
@pytest.mark.parametrize("size", [1, 2, 10, 100, 500, 3000, 8000])
def test_bad_values_do_not_blind_however_the_rows_are_split(size: int, merge: object) -> None:
    rng = np.random.default_rng(size)
    a, b = spoiled(rng, 1000, 8000), spoiled(rng, 1000.5, 8000)
    exact = stats.ks_2samp(a, b).statistic
    assert callable(merge)
    assert exact == pytest.approx(ks(merge(a, size), merge(b, size)), abs=0.005)


@pytest.mark.parametrize("size", [1, 3, 5, 37, 200])
@pytest.mark.parametrize("seed", [200, 205, 301])
def test_no_seed_blinds_it(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = spoiled(rng, 1000, 8000), spoiled(rng, 1000.5, 8000)
    exact = stats.ks_2samp(a, b).statistic
    assert exact == pytest.approx(ks(merged(a, size), merged(b, size)), abs=0.005)


@pytest.mark.parametrize("size", [3, 37, 500])
@pytest.mark.parametrize("shape", ["epoch", "ages", "pareto", "uniform"])
def test_no_shape_blinds_it(shape: str, size: int) -> None:
    """Parts of one feature may take other origins, and their odd values others."""
    rng = np.random.default_rng(102)
    draws = {
        "epoch": 1.7e9 + rng.uniform(0, 86_400, (2, 8000)),
        "ages": rng.integers(18, 90, (2, 8000)).astype(float),
        "pareto": rng.pareto(2, (2, 8000)) + 1,
        "uniform": rng.uniform(-5, 5, (2, 8000)),
    }
    one, other = draws[shape]
    for values in (one, other):
        values[rng.choice(8000, 8, replace=False)] = np.resize(BAD, 8)
    exact = stats.ks_2samp(one, other).statistic
    assert exact == pytest.approx(ks(merged(one, size), merged(other, size)), abs=0.01)


@pytest.mark.parametrize("location", [0.0, 1.0, 1000.0, -1e6])
def test_ks_from_sketches_is_that_of_the_rows(location: float) -> None:
    rng = np.random.default_rng(7)
    a, b = spoiled(rng, location, 20_000), spoiled(rng, location + 0.5, 20_000)
    exact = stats.ks_2samp(a, b).statistic
    assert exact == pytest.approx(ks(Numeric.of(a), Numeric.of(b)), abs=0.005)


def test_a_narrow_feature_far_from_zero_is_sharp_too() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.normal(1e9, 1, 20_000), rng.normal(1e9 + 0.5, 1, 20_000)
    exact = stats.ks_2samp(a, b).statistic
    assert exact == pytest.approx(ks(merged(a, 1000), merged(b, 1000)), abs=0.005)


@given(anything, st.integers(1, 80))
def test_parts_count_what_the_whole_counts(values: list[float], size: int) -> None:
    rows = np.array(values)
    whole, parts = Numeric.of(rows), chained(rows, size)
    assert (whole.count, whole.missing, whole.non_finite) == (
        parts.count,
        parts.missing,
        parts.non_finite,
    )
    assert pooled(whole, -10) == pooled(parts, -10)


def pooled(sketch: Numeric, scale: int) -> tuple[object, ...]:
    """All counts at one coarse scale, body and tail together."""
    both = sketch.body.merge(sketch.tail) if sketch.count else Exponential.empty()
    both = both.rescale(scale)
    return both.zeros, both.positive, both.negative, both.count


@given(moderate, st.randoms(use_true_random=False))
def test_order_does_not_matter_to_counts_and_moments(values: list[float], random: object) -> None:
    shuffled = np.random.default_rng(len(values)).permutation(values)
    one, other = chained(np.array(values), 7), chained(shuffled, 7)
    assert pooled(one, -10) == pooled(other, -10)
    largest = max(map(abs, values))  # values that cancel leave what rounding left of them
    assert one.mean == pytest.approx(other.mean, rel=1e-12, abs=max(1e-12 * largest, 1e-9))
    assert (one.minimum, one.maximum) == (other.minimum, other.maximum)


@pytest.mark.parametrize("size", [1, 7, 20_000])
@pytest.mark.parametrize(("location", "spread"), [(0, 1), (-5, 0.1), (1e9, 1), (1.05e9, 1)])
def test_moments_are_exact(location: float, spread: float, size: int) -> None:
    values = np.random.default_rng(3).normal(location, spread, 5000)
    sketch = chained(values, size)
    exact = values.astype(np.longdouble)
    assert float(exact.mean()) == pytest.approx(sketch.mean, rel=1e-12)
    assert float(exact.var()) == pytest.approx(sketch.variance, rel=1e-9)
    assert (values.min(), values.max()) == (sketch.minimum, sketch.maximum)


def test_values_whose_squares_overflow_stay_out_of_the_moments_only() -> None:
    sketch = Numeric.of(np.array([1.0, 3.0, 1e300, -np.inf, np.nan]))
    assert (3, 1, 1) == (sketch.count, sketch.non_finite, sketch.missing)
    assert (2.0, 1.0, 1e300) == (sketch.mean, sketch.variance, sketch.maximum)


@given(st.integers(1, 20), st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_a_quantile_is_a_value_that_repeats_not_one_between(
    distinct: int, rows: int, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(-3, distinct, rows).astype(float)
    q = np.arange(1, 16) / 16
    exact = np.quantile(values, q, method="inverted_cdf")
    assert exact == pytest.approx(Numeric.of(values).quantile(q), rel=0.03, abs=0)


def test_quantiles_lie_within_a_bucket_of_the_exact_ones() -> None:
    values = np.random.default_rng(1).lognormal(0, 1, 20_000)
    q = np.array([0.01, 0.25, 0.5, 0.75, 0.99])
    assert np.quantile(values, q) == pytest.approx(Numeric.of(values).quantile(q), rel=0.03)


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_a_matrix_counts_what_its_columns_count(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_t(1, (rows, 4)) * 10.0 ** rng.integers(-5, 6, 4)
    values[rng.random(values.shape) < 0.1] = 0.0
    values[rng.random(values.shape) < 0.1] = np.nan
    values[rng.random(values.shape) < 0.02] = -np.inf
    matrix = Matrix(4)
    for start in range(0, rows, 41):
        matrix.update(values[start : start + 41])
    for column, sketch in enumerate(matrix.take()):
        whole = Numeric.of(values[:, column])
        assert pooled(whole, -10) == pooled(sketch, -10)
        assert (whole.missing, whole.non_finite) == (sketch.missing, sketch.non_finite)
        if whole.count:
            assert whole.mean == pytest.approx(sketch.mean, rel=1e-9, abs=1e-12)
            assert whole.variance == pytest.approx(sketch.variance, rel=1e-9, abs=1e-12)
            assert (whole.minimum, whole.maximum) == (sketch.minimum, sketch.maximum)


def test_a_matrix_is_as_sharp_as_its_columns() -> None:
    rng = np.random.default_rng(5)
    a, b = (np.column_stack([spoiled(rng, m + s, 20_000) for m in (0, 1000)]) for s in (0, 0.5))
    sketches = []
    for values in (a, b):
        matrix = Matrix(2)
        for start in range(0, 20_000, 700):
            matrix.update(values[start : start + 700])
        sketches.append(matrix.take())
    for column in range(2):
        exact = stats.ks_2samp(a[:, column], b[:, column]).statistic
        assert exact == pytest.approx(ks(sketches[0][column], sketches[1][column]), abs=0.005)


@pytest.mark.parametrize("share", [0.0, 0.001])
def test_a_column_that_starts_empty_is_as_sharp(share: float) -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(1000, 10, (20_000, 2))
    values[:5_000, 0][rng.random(5_000) >= share] = np.nan
    matrix = Matrix(2)
    for start in range(0, 20_000, 5_000):
        matrix.update(values[start : start + 5_000])
        if not start:
            assert 5_000 == matrix.take()[0].observations
    late, early = matrix.take()
    assert early.body.scale == late.body.scale
    exact = Numeric.of(values[5_000:, 0])
    assert ks(exact, late) < 0.005
    assert exact.mean == pytest.approx(late.mean, rel=1e-12)
    assert exact.variance == pytest.approx(late.variance, rel=1e-9)


def test_a_taken_matrix_starts_anew_and_a_wrong_shape_is_told() -> None:
    matrix = Matrix(2)
    matrix.update(np.ones((100, 2)))
    assert [100, 100] == [sketch.count for sketch in matrix.take()]
    assert [0, 0] == [sketch.count for sketch in matrix.take()]
    with pytest.raises(ValueError, match=r"shape \(3, 5\) does not fit: give \(rows, 2\)"):
        matrix.update(np.ones((3, 5)))
