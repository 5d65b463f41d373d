"""On common bins, statistics from sketches are those of the rows."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from otelml.sketch.align import align, align_names, alike, cdfs, cut
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability
from tests.sketch.rows import SHAPES, binned, psi

ROWS = 20_000


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_distances_from_sketches_are_those_of_the_rows(shape: str, shift: float) -> None:
    rng = np.random.default_rng(11)
    a, b = SHAPES[shape](rng, ROWS), SHAPES[shape](rng, ROWS)
    step = shift * a.std()
    b = b + (np.round(step) if (a == np.round(a)).all() else step)
    one, other = Numeric.of(a), Numeric.of(b)
    both = cdfs(alike([one], [other]))
    gap = np.abs(both.reference - both.current)
    assert stats.ks_2samp(a, b).statistic == pytest.approx(gap.max(), abs=0.005)
    area = float(np.sum(np.diff(both.edges) * (gap[1:] + gap[:-1]) / 2))
    assert stats.wasserstein_distance(a, b) == pytest.approx(area, abs=0.02 * a.std())
    bins = align(cut(alike([one], [other]), 10))
    assert psi(*binned(a, b, 10)) == pytest.approx(psi(bins.reference, bins.current), abs=0.01)


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_condensed_sketch_is_as_good(shape: str, shift: float) -> None:
    rng = np.random.default_rng(11)
    whole, values = Numeric.of(SHAPES[shape](rng, ROWS)), SHAPES[shape](rng, ROWS)
    step = shift * values.std()
    values += np.round(step) if (values == np.round(values)).all() else step
    other, brief = Numeric.of(values), whole.condensed()
    assert brief.condensed() is brief
    assert (whole.count, whole.minimum, whole.maximum, whole.moments) == (
        brief.count,
        brief.minimum,
        brief.maximum,
        brief.moments,
    )
    distances = []
    for one in (whole, brief):
        both, bins = cdfs(alike([one], [other])), align(cut(alike([one], [other]), 10))
        gap = np.abs(both.reference - both.current)
        area = float(np.sum(np.diff(both.edges) * (gap[1:] + gap[:-1]) / 2)) / values.std()
        distances.append((gap.max(), area, psi(bins.reference, bins.current)))
    for exact, found, most in zip(*distances, (0.001, 0.001, 0.01), strict=True):
        assert exact == pytest.approx(found, abs=most)


def test_bins_hold_every_value() -> None:
    rng = np.random.default_rng(2)
    pairs = alike([Numeric.of(rng.normal(size=999))], [Numeric.of(rng.normal(9, 1, 500))])
    bins = align(cut(pairs, 30))
    assert (999, 500) == pytest.approx((bins.reference.sum(), bins.current.sum()))


def test_few_values_get_a_bin_each() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 5.0], [10, 20, 30, 40])
    bins = align(cut(alike([Numeric.of(values)], [Numeric.of(np.array([5.0, 5.0]))]), 10))
    assert [10, 20, 30, 40] == pytest.approx(bins.reference[bins.reference > 0].tolist())


def test_a_name_that_may_be_among_the_pooled_ones_is_pooled() -> None:
    reference = Categories.of(["a"] * 50 + ["b"] * 30 + ["c"])
    current = Categories.of(["a"] * 40 + ["c"] * 20 + ["b"] * 10).capped(2)
    bins = align_names([reference], [current])
    assert ([[31.0, 50.0]], [[30.0, 40.0]]) == (bins.reference.tolist(), bins.current.tolist())


def test_probabilities_compare_on_their_own_bounds() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.beta(2, 5, ROWS), rng.beta(2, 4, ROWS)
    both = cdfs(alike([Probability.of(a)], [Probability.of(b)]))
    gap = np.abs(both.reference - both.current).max()
    assert stats.ks_2samp(a, b).statistic == pytest.approx(gap, abs=0.005)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_what_lines_hide_is_the_variance_of_values_thrown_into_their_buckets(
    seed: int, bins: int
) -> None:
    rng = np.random.default_rng(seed)
    sketch = Numeric.of(rng.normal(size=rng.integers(50, 3000)))
    assume(not sketch.tail.count)
    piled = sketch.cumulative() is not sketch.lines()
    inner = np.sort(rng.uniform(sketch.minimum, sketch.maximum, bins - 1))
    expected = np.zeros(bins)
    for low, high, count in zip(*sketch.body.cells(), strict=True):
        edges = np.concatenate([[low], inner[(low < inner) & (inner < high)], [high]])
        first = int(np.searchsorted(inner, low, side="right"))
        shares = np.diff(edges) / (high - low)
        if piled:  # values are not spread evenly, and the sketch knows
            shares = np.diff(sketch.cdf(edges)) * sketch.count / count
        for place, share in enumerate(shares):
            expected[first + place] += count * share * (1 - share)
    assert expected == pytest.approx(sketch.cut(inner).hidden, rel=1e-6, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_what_whole_numbers_hide_is_the_variance_of_which_of_their_bucket_they_are(
    seed: int, bins: int
) -> None:
    rng = np.random.default_rng(seed)
    sketch = Numeric.of(rng.integers(0, 256, rng.integers(500, 3000)))
    assume(sketch.whole and not sketch.tail.count)
    inner = np.unique(rng.integers(0, 255, bins - 1)).astype(float)
    expected = np.zeros(len(inner) + 1)
    for low, high, count in zip(*sketch.body.cells(), strict=True):
        numbers = np.arange(np.floor(low) + (low < high), np.floor(high) + 1)
        per_bin = np.bincount(np.searchsorted(inner, numbers), minlength=len(expected))
        shares = per_bin / max(len(numbers), 1)
        expected += count * shares * (1 - shares)
    assert expected == pytest.approx(sketch.cut(inner).hidden, abs=1.5)
