"""A feature whose values pile up at a bound compares as its rows do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.sketch.align import align, alike, cut
from otelml.sketch.array import Floats
from otelml.sketch.numeric import Numeric
from otelml.sketch.piles import piles
from tests.sketch.rows import binned, psi


def shares(seed: int, rows: int) -> Floats:
    return np.random.default_rng(seed).beta(0.5, 0.5, rows)


def exact(a: Floats, b: Floats) -> float:
    return psi(*binned(a, b, 10))


def sketched(a: Floats, b: Floats) -> float:
    bins = align(cut(alike([Numeric.of(a)], [Numeric.of(b)]), 10))
    return psi(bins.reference, bins.current)


@pytest.mark.parametrize(("rows", "most"), [(4_000, 0.02), (20_000, 0.01), (100_000, 0.01)])
@pytest.mark.parametrize(("wider", "shift"), [(1, 0.02), (1.2, 0), (1.1, 0.01)])
@pytest.mark.parametrize("sign", [1, -1])
def test_drift_of_piled_up_values_is_that_of_the_rows(
    rows: int, most: float, wider: float, shift: float, sign: int
) -> None:
    a = sign * shares(1, rows)
    b = sign * ((shares(2, rows) - 0.5) * wider + 0.5 + shift)
    assert exact(a, b) == pytest.approx(sketched(a, b), abs=most)


@pytest.mark.parametrize("odd", [500.0, -500.0, 1e6, 1e300, 1.05])
def test_an_odd_value_makes_no_drift_of_piled_up_ones(odd: float) -> None:
    a, b = shares(1, 20_000), shares(2, 20_000)
    b[0] = odd
    assert sketched(a, b) == pytest.approx(exact(a, b), abs=0.002)


@given(st.floats(0.2, 0.9), st.booleans())
def test_counts_near_a_bound_are_a_power_of_the_distance(power: float, mirrored: bool) -> None:
    bounds = np.array([0.0, 0.5, 1.0])
    below = 1000 * (1 - (1 - bounds) ** power)
    heavy = np.array([1])
    if mirrored:
        bounds, below, heavy = -bounds[::-1], 1000 - below[::-1], np.array([0])
    [(inner, found)] = piles(bounds[:-1], bounds[1:], below, heavy)
    outer = 1000 * (1 - np.abs(inner)) ** power
    assert (outer if mirrored else 1000 - outer).tolist() == pytest.approx(found.tolist())


@pytest.mark.parametrize(
    ("lower", "upper", "counts"),
    [
        ([0, 1], [1, 2], [50, 50]),  # as dense
        ([0, 1, 2], [1, 2, 3], [20, 60, 20]),  # values go on
        ([0, 1.5], [1, 2], [20, 80]),  # no bucket before
    ],
)
def test_other_buckets_keep_a_straight_line(
    lower: list[float], upper: list[float], counts: list[int]
) -> None:
    below = np.concatenate([[0.0], np.cumsum(counts)])
    assert not piles(np.array(lower), np.array(upper), below, np.arange(len(counts)))
