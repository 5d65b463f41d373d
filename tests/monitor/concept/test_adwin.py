"""The boundaries in closed form are those of an exponential histogram that is kept in full."""

from hypothesis import given
from hypothesis import strategies as st

from otelml.monitor.concept.adwin import ADWIN, boundaries
from tests.monitor.concept.streams import absolute


def histogram(n: int, most: int) -> list[int]:
    """Sizes of the buckets, oldest first, after n insertions."""
    sizes: list[int] = []
    for _ in range(n):
        sizes.append(1)
        size = 1
        while sizes.count(size) > most:
            oldest = sizes.index(size)
            sizes[oldest : oldest + 2] = [2 * size]
            size *= 2
    return sizes


@given(st.integers(0, 500), st.integers(2, 7))
def test_boundaries_follow_from_the_number_of_values(n: int, most: int) -> None:
    ends = [0]
    for size in histogram(n, most):
        ends.append(ends[-1] + size)
    assert ends == boundaries(n, most).tolist()


def test_the_sums_are_those_up_to_each_boundary() -> None:
    values = absolute([(1, 10_000)])
    one = ADWIN()
    one.update(values)
    for end, known in zip(boundaries(10_000, 5).tolist(), one.concept.sums, strict=True):
        assert abs(known - (values[:end] - values[0]).sum()) < 1e-9
