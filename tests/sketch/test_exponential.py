"""One exponential histogram: indices as specified, and scales that lose nothing but resolution."""

from fractions import Fraction
from math import ceil, frexp, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.sketch.buckets import bucket_bound, bucket_index
from otelml.sketch.exponential import Exponential

magnitudes = st.floats(min_value=5e-324, allow_infinity=False, exclude_min=False)
values = st.floats(allow_nan=False, allow_infinity=False)


def specified_index(value: float, scale: int) -> int:
    """The specification's bucket: the i with base^i < value <= base^(i+1)."""
    if scale <= 0:  # exact, in rationals: base is a power of two
        exponent = frexp(value)[1]
        power = Fraction(2) ** exponent
        whole = exponent if Fraction(value) * 2 > power else exponent - 1
        return (whole - 1) >> -scale
    return ceil(log2(value) * 2.0**scale) - 1


@given(st.integers(-1074, 1023), st.integers(-10, 20))
def test_a_power_of_two_ends_its_bucket(exponent: int, scale: int) -> None:
    index = int(bucket_index(2.0**exponent, scale))
    expected = (exponent << scale) - 1 if scale >= 0 else (exponent - 1) >> -scale
    assert expected == index


@given(st.integers(-1022, 1022))
def test_the_next_double_after_a_power_of_two_starts_the_next_bucket(exponent: int) -> None:
    value = np.nextafter(2.0**exponent, np.inf)
    assert exponent << 20 == bucket_index(value, 20)


@given(magnitudes, st.integers(-10, 0))
def test_the_index_is_the_specified_one_at_coarse_scales(value: float, scale: int) -> None:
    assert specified_index(value, scale) == bucket_index(value, scale)


@given(st.floats(1e-300, 1e300), st.integers(1, 12))
def test_a_value_lies_within_the_bounds_of_its_bucket(value: float, scale: int) -> None:
    index = bucket_index(value, scale)
    assert bucket_bound(index, scale) * (1 - 1e-12) <= value
    assert value <= bucket_bound(index + 1, scale) * (1 + 1e-12)


def test_subnormals_have_buckets_of_their_own() -> None:
    assert bucket_index([5e-324, 1e-323, 1.5e-323], 0).tolist() == [-1075, -1074, -1073]


@given(st.lists(values, min_size=1, max_size=60), st.integers(0, 8))
def test_rescaling_commutes_with_counting(sample: list[float], steps: int) -> None:
    whole = Exponential.of(sample)
    scale = max(whole.scale - steps, -10)
    first, second = Exponential.of(sample[::2]), Exponential.of(sample[1::2])
    parts = first.rescale(min(scale, first.scale)).merge(second.rescale(min(scale, second.scale)))
    assert whole.rescale(min(scale, parts.scale)) == parts.rescale(min(scale, parts.scale))


@given(st.lists(values, max_size=60), st.lists(values, max_size=60))
def test_merging_is_commutative_and_counts_all(one: list[float], other: list[float]) -> None:
    a, b = Exponential.of(one), Exponential.of(other)
    assert a.merge(b) == b.merge(a)
    assert len(one) + len(other) == a.merge(b).count


@given(st.lists(values, min_size=1, max_size=60), st.lists(values, max_size=60))
def test_what_came_since_is_what_was_added(old: list[float], new: list[float]) -> None:
    earlier = Exponential.of(old)
    since = earlier.merge(Exponential.of(new)).minus(earlier)
    assert since is not None
    expected = Exponential.of(new)
    scale = min(since.scale, expected.scale)
    got, wanted = since.rescale(scale), expected.rescale(scale)
    assert (wanted.zeros, wanted.positive, wanted.negative) == (
        got.zeros,
        got.positive,
        got.negative,
    )


def test_a_fallen_count_is_a_reset() -> None:
    assert Exponential.of([1.0]).minus(Exponential.of([1.0, 1.0])) is None
    assert Exponential.of([2.0]).minus(Exponential.of([1.0])) is None


def test_a_histogram_does_not_get_finer() -> None:
    with pytest.raises(ValueError, match="scale 21 is finer than 20"):
        Exponential.of([1.0]).rescale(21)


def test_at_most_160_buckets_a_sign_whatever_the_range() -> None:
    extremes = [5e-324, 1.0, 1.7e308, -5e-324, -1.7e308, 0.0]
    histogram = Exponential.of(extremes)
    assert max(histogram.positive.counts.size, histogram.negative.counts.size) <= 160
    assert len(extremes) == histogram.count
