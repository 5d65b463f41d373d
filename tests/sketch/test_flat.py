"""What is worked out for many sketches at once is what each works out alone."""

from copy import deepcopy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otelml.sketch.array import Floats
from otelml.sketch.numeric import Numeric, work_out


def values(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 2000))
    made: list[Floats] = [
        rng.normal(rng.choice([0.0, 1000.0, -3.0]), 1, rows),
        rng.lognormal(0, 1, rows) * rng.choice([-1, 1]),
        np.round(rng.gamma(2, 20, rows)),
        rng.choice([-2.0, 0.0, 0.5, 7.0], rows),
        np.full(rows, rng.choice([0.0, -5.0, 1e-320, 1e300])),
        rng.beta(0.3, 0.3, rows),
        np.append(rng.normal(50, 1, rows), [0.0, -1e9, 1e300]),
        rng.normal(1.7e9, 1e3, rows),
    ]
    return made[rng.integers(len(made))]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12))
def test_many_at_once_are_as_each_alone(seeds: list[int]) -> None:
    together = [Numeric.of(values(seed)) for seed in seeds]
    alone = deepcopy(together)
    work_out(together)
    for one, other in zip(together, alone, strict=True):
        assert "_cumulative" in vars(one.body)
        assert one.whole == other.whole
        for ours, theirs in (
            (one.buckets(), other.buckets()),
            (one.cumulative(), other.cumulative()),
            ((one.smooth,), (other.smooth,)),
        ):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@given(st.integers(0, 2**32 - 1))
def test_cumulative_counts_rise_over_edges_that_ascend(seed: int) -> None:
    sketch = Numeric.of(values(seed))
    edges, below = sketch.cumulative()
    assert (np.diff(edges) >= 0).all()
    assert (np.diff(below) >= 0).all()
    assert (below[0], below[-1]) == (0, sketch.count)
