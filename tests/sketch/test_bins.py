import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from otelml.sketch.array import Floats
from otelml.sketch.bins import Bins, coarser, key_ranges, keys, numbers

MOST = 8
finite = st.floats(allow_nan=False, allow_infinity=False)
probabilities = st.floats(0, 1)
counts = st.integers(0, 2**40)


def binned(values: list[float], weights: list[int], most: int = MOST) -> Bins:
    x = np.array(values, np.float64)
    return Bins.of(x, np.array(weights, np.float64)[: len(x), None], most)


@given(st.lists(finite, min_size=2))
def test_keys_keep_the_order(values: list[float]) -> None:
    x = np.sort(np.array(values))
    assert (np.diff(keys(x)) >= 0).all()


@given(finite)
def test_a_number_comes_back_from_its_key(value: float) -> None:
    got = float(numbers(keys(np.array([value])))[0])
    assert math.isclose(value, got, rel_tol=2**-49, abs_tol=2**-1070)
    if 0.5 < value <= 1:
        assert math.isclose(1 - value, 1 - got, rel_tol=2**-48)


@given(st.lists(st.one_of(finite, probabilities), max_size=40), st.data())
def test_bins_depend_on_the_values_alone(values: list[float], data: st.DataObject) -> None:
    """Any split, any order, any way of merging."""
    weights = data.draw(st.lists(counts, min_size=len(values), max_size=len(values)))
    whole = binned(values, weights)
    order = data.draw(st.permutations(range(len(values))))
    parts = [Bins.empty(1, MOST)]
    rest = [*order]
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        taken, rest = rest[:size], rest[size:]
        parts.append(binned([values[i] for i in taken], [weights[i] for i in taken]))
    while len(parts) > 1:
        one = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts.append(one.merge(other))
    assert whole == parts[0]


@given(st.lists(st.one_of(finite, probabilities), min_size=1, max_size=200))
def test_few_bins_are_filled_and_hold_their_values(values: list[float]) -> None:
    got = binned(values, [1] * len(values))
    assert len(values) == got.sums.sum()
    assert MOST >= got.index.size
    lower, upper = got.edges
    assert (lower <= upper).all()
    assert (upper[:-1] <= lower[1:]).all()
    own = coarser(keys(np.array(values)), 0, got.level)
    slot = np.searchsorted(got.index, own)
    assert (own == got.index[slot]).all()
    least, width = key_ranges(got.index, got.level)
    key = keys(np.array(values))
    assert (least[slot] <= key).all()
    assert (key < least[slot] + width[slot]).all()


@given(st.lists(finite, max_size=30))
def test_json_brings_it_back(values: list[float]) -> None:
    whole = binned(values, [*range(len(values))])
    assert whole == Bins.load(json.loads(json.dumps(whole.dump())), MOST)


@given(arrays.arrays(np.float64, st.integers(1, 2048), elements=st.floats(0, 1, width=32)))
def test_few_distinct_numbers_have_a_bin_each(x: Floats) -> None:
    got = Bins.of(x, np.ones((x.size, 1)), 2048)
    distinct, times = np.unique(x + 0.0, return_counts=True)
    assert pytest.approx(distinct.tolist(), rel=1e-14) == got.middles.tolist()
    assert times.tolist() == got.sums[:, 0].tolist()


def test_probabilities_never_need_more_than_the_bins_of_scores() -> None:
    rng = np.random.default_rng(0)
    tails = 10.0 ** rng.uniform(-308, 0, 300_000)
    x = np.concatenate([tails, 1 - tails, rng.uniform(size=300_000), [0.0, 1.0]])
    got = Bins.of(x, np.ones((x.size, 1)), 2048)
    inside = (got.middles > 2**-7) & (got.middles < 0.5)
    lower, upper = got.edges
    assert 1 / 64 >= (upper[inside] / lower[inside] - 1).max()
