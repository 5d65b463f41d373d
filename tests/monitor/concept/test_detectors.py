"""Laws that every detector obeys."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelml.monitor.concept import DETECTORS, Alarms, Detector
from otelml.sketch.array import Floats
from tests.monitor.concept.streams import absolute, wrong

LEVELS = st.lists(
    st.tuples(st.floats(0.01, 0.99), st.integers(1, 3000)), min_size=1, max_size=4
)  # so that many streams are longer than a block
SENSITIVE: dict[str, dict[str, Any]] = {
    "ddm": {"min_errors": 0, "warning": 2.0, "drift": 3.0},
    "eddm": {"confidence": 0.0},
    "page_hinkley": {"min_values": 30, "threshold": 10.0, "alpha": 0.999},
    "adwin": {"delta": 0.3, "clock": 8, "min_values": 30},
    "kswin": {"window": 60, "recent": 20, "alpha": 0.01, "clock": 3},
}
every_detector = pytest.mark.parametrize("name", DETECTORS)


def detector(name: str, *, sensitive: bool = True) -> Detector:
    """One that alarms often, so that a law has cases to fail on, or one as it is by default."""
    return DETECTORS[name](**SENSITIVE[name]) if sensitive else DETECTORS[name]()


def stream(name: str, levels: Sequence[tuple[float, int]], seed: int) -> Floats:
    return (wrong if DETECTORS[name].binary else absolute)(levels, seed)


def fed(one: Detector, values: Floats, cuts: Sequence[float]) -> Alarms:
    """Alarms on the values in batches."""
    alarms = Alarms([], [])
    edges = [0, *sorted(int(cut * len(values)) for cut in cuts), len(values)]
    for start, end in itertools.pairwise(edges):
        for all_of_them, new in zip(alarms, one.update(values[start:end]), strict=True):
            all_of_them.extend(start + at for at in new)
    return alarms


def test_the_registry_calls_each_by_its_name() -> None:
    assert {"ddm", "eddm", "page_hinkley", "adwin", "kswin"} == set(DETECTORS)
    assert [*DETECTORS] == [each.name for each in DETECTORS.values()]


@every_detector
@given(LEVELS, st.integers(0, 99), st.lists(st.floats(0, 1), max_size=5), st.booleans())
@settings(max_examples=40)
def test_batches_do_not_matter(
    name: str, levels: list[tuple[float, int]], seed: int, cuts: list[float], sensitive: bool
) -> None:
    values = stream(name, levels, seed)
    whole, parts = (detector(name, sensitive=sensitive) for _ in range(2))
    assert whole.update(values) == fed(parts, values, cuts)
    assert whole.state() == parts.state()


@every_detector
def test_one_value_at_a_time_is_a_batch_too(name: str) -> None:
    values = stream(name, [(0.1, 400), (0.8, 300)], 1)
    whole, parts = detector(name), detector(name)
    alarms = whole.update(values)
    assert alarms.drifts
    assert alarms == fed(parts, values, (np.arange(len(values)) / len(values)).tolist())
    assert whole.state() == parts.state()


@every_detector
@given(LEVELS, st.integers(0, 99), st.floats(0, 1), st.booleans())
@settings(max_examples=40)
def test_its_state_outlives_it(
    name: str, levels: list[tuple[float, int]], seed: int, cut: float, sensitive: bool
) -> None:
    values = stream(name, levels, seed)
    at = int(cut * len(values))
    one = detector(name, sensitive=sensitive)
    one.update(values[:at])
    told = json.dumps(one.state(), allow_nan=False)
    other = DETECTORS[name].of(json.loads(told))
    assert one == other
    assert one.update(values[at:]) == other.update(values[at:])
    assert one.state() == other.state()


@every_detector
def test_its_state_is_bounded(name: str) -> None:
    one = detector(name, sensitive=False)
    sizes = []
    for seed in range(2):
        one.update(stream(name, [(0.2, 100_000)], seed))
        sizes.append(len(json.dumps(one.state())))
    # Of errors as they are in regression, KSWIN keeps 2,000, ADWIN a hundred sums.
    assert sizes[1] < (50_000 if name == "kswin" else 3000)
    assert sizes[1] < 1.1 * sizes[0]


@pytest.mark.parametrize("name", ["ddm", "eddm", "page_hinkley", "adwin"])
def test_after_a_drift_it_starts_anew(name: str) -> None:
    values = stream(name, [(0.05, 2000), (0.9, 2000), (0.05, 2000), (0.9, 2000)], 3)
    one, fresh = detector(name), detector(name)
    first, *later = one.update(values).drifts
    assert later
    assert later == [first + 1 + at for at in fresh.update(values[first + 1 :]).drifts]
    assert one == fresh


@pytest.mark.parametrize("name", ["page_hinkley", "adwin", "kswin"])
@given(LEVELS, st.integers(0, 99), st.integers(-20, 20))
@settings(max_examples=20)
def test_the_unit_of_an_error_does_not_matter(
    name: str, levels: list[tuple[float, int]], seed: int, power: int
) -> None:
    values = stream(name, levels, seed)
    assert detector(name).update(values) == detector(name).update(values * 2.0**power)


@every_detector
def test_nothing_follows_from_no_value(name: str) -> None:
    one = detector(name)
    assert Alarms([], []) == one.update([])
    assert detector(name) == one


@every_detector
@pytest.mark.parametrize("value", [0, 1])
def test_errors_that_do_not_vary_raise_no_alarm(name: str, value: int) -> None:
    assert Alarms([], []) == detector(name).update(np.full(10_000, value))


@every_detector
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_errors_are_finite(name: str, bad: float) -> None:
    one = detector(name)
    with pytest.raises(ValueError, match=r"finite|0 or 1"):
        one.update([0.0, bad])
    assert detector(name) == one


@every_detector
def test_errors_are_a_sequence(name: str) -> None:
    with pytest.raises(ValueError, match="shape"):
        detector(name).update([[0.0, 1.0]])


@pytest.mark.parametrize("name", ["ddm", "eddm"])
def test_a_decision_is_right_or_wrong(name: str) -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        detector(name).update([0.5])


@pytest.mark.parametrize("name", ["page_hinkley", "adwin", "kswin"])
def test_errors_without_bound_do_not_overflow(name: str) -> None:
    one = detector(name)
    one.update(np.resize([1e308, -1e308, 1.0], 1000))
    json.dumps(one.state(), allow_nan=False)
