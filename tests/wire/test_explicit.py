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
