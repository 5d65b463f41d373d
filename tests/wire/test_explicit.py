"""Fixed bounds, for Prometheus: what a bucket counts is what is at or below its bound."""

from typing import Any

import numpy as np
import pytest

from otelml.data import Role
from otelml.sketch.numeric import Numeric
from otelml.wire.explicit import Explicit

RANDOM = np.random.default_rng(0)
PARTS: dict[str, list[Any]] = {
    "whole": [RANDOM.integers(0, 5, 100) for _ in range(5)],
    "negative": [-RANDOM.integers(1, 9, 100) for _ in range(5)],
    "halves": [RANDOM.integers(0, 3, 100) / 2 for _ in range(5)],
    "tenths": [np.tile([0.1, 0.2, 0.7], 30) for _ in range(5)],
    "far from zero": [RANDOM.normal(1000, 1, 1000) for _ in range(5)],
    "one, then more": [np.array([3]), *(RANDOM.integers(0, 5, 100) for _ in range(4))],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS.keys())
def test_a_bucket_counts_what_is_at_or_below_its_bound(parts: list[Any]) -> None:
    explicit = Explicit(Role.FEATURE, Numeric.of(parts[0]))
    for part in parts:
        explicit.add(Numeric.of(part))
    values = np.concatenate(parts)
    below = np.searchsorted(np.sort(values), explicit.bounds, side="right")
    assert below.tolist() == np.cumsum(explicit.counts)[:-1].tolist()
    assert values.size == explicit.counts.sum()


def test_whole_numbers_have_bounds_of_their_own() -> None:
    explicit = Explicit(Role.FEATURE, Numeric.of(PARTS["whole"][0]))
    assert [0, 1, 2, 3, 4] == explicit.bounds.tolist()


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS.keys())
def test_bounds_join_those_of_a_first_row_and_no_count_falls(parts: list[Any]) -> None:
    values = np.concatenate(parts)
    explicit = Explicit(Role.FEATURE, Numeric.of(values[:1]))
    told: dict[float, int] = {}
    for row in values:
        explicit.add(Numeric.of([row]))
        counted = dict(zip(explicit.bounds.tolist(), np.cumsum(explicit.counts), strict=False))
        assert all(n <= counted[bound] for bound, n in told.items())
        told = counted
    once = Explicit(Role.FEATURE, Numeric.of(values[:200]))
    assert {*once.bounds.tolist()} <= {*told}
    below = np.searchsorted(np.sort(values), explicit.bounds, side="right")
    assert below.tolist() == pytest.approx([*told.values()], abs=2)
    assert values.size == explicit.counts.sum()
