"""The defaults do not cry wolf, and find a change before long."""

import statistics

import pytest

from otelml.monitor.concept import DETECTORS
from tests.monitor.concept.streams import absolute, wrong

SEEDS, VALUES, BEFORE = 2, 50_000, 5000
NUMERIC = [name for name, each in DETECTORS.items() if not each.binary]
# Values until a change is found, in the median over seeds.
RATE = {"ddm": 700, "eddm": 2000, "page_hinkley": 200, "adwin": 200, "kswin": 500}
SCALE = {"page_hinkley": 80, "adwin": 130, "kswin": 270}


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("name", DETECTORS)
def test_a_constant_rate_of_errors_raises_no_alarm(name: str, rate: float) -> None:
    for seed in range(SEEDS):
        assert [] == DETECTORS[name]().update(wrong([(rate, VALUES)], seed)).drifts


@pytest.mark.parametrize("scale", [0.01, 1, 1000])
@pytest.mark.parametrize("name", NUMERIC)
def test_errors_of_a_constant_scale_raise_no_alarm(name: str, scale: float) -> None:
    for seed in range(SEEDS):
        assert [] == DETECTORS[name]().update(absolute([(scale, VALUES)], seed)).drifts


@pytest.mark.parametrize("name", DETECTORS)
def test_a_threefold_rate_of_errors_is_found(name: str) -> None:
    delays = []
    for seed in range(11):
        values = wrong([(0.1, BEFORE), (0.3, 10_000)], seed)
        delays.append(DETECTORS[name]().update(values).drifts[0] - BEFORE)
    assert 0 < min(delays)
    assert RATE[name] > statistics.median(delays)


@pytest.mark.parametrize("name", NUMERIC)
def test_errors_twice_as_great_are_found(name: str) -> None:
    delays = []
    for seed in range(11):
        values = absolute([(1, BEFORE), (2, 10_000)], seed)
        delays.append(DETECTORS[name]().update(values).drifts[0] - BEFORE)
    assert 0 < min(delays)
    assert SCALE[name] > statistics.median(delays)


@pytest.mark.parametrize("name", ["ddm", "eddm"])
def test_a_warning_comes_before_the_drift(name: str) -> None:
    alarms = DETECTORS[name]().update(wrong([(0.1, BEFORE), (0.3, 10_000)]))
    assert BEFORE < alarms.warnings[0] < alarms.drifts[0]


@pytest.mark.parametrize("name", NUMERIC)
def test_getting_better_is_news_too(name: str) -> None:
    alarms = DETECTORS[name]().update(absolute([(2, BEFORE), (1, 2000)]))
    assert BEFORE < alarms.drifts[0]


@pytest.mark.parametrize("at", [0, 50, 2500])
@pytest.mark.parametrize("wild", [1e3, 1e12, 1e300])
@pytest.mark.parametrize("name", NUMERIC)
def test_one_wild_error_neither_alarms_nor_blinds(name: str, wild: float, at: int) -> None:
    values = absolute([(1, BEFORE), (2, 2000)])
    values[at] = wild
    drifts = DETECTORS[name]().update(values).drifts
    assert BEFORE < drifts[0] < BEFORE + 2 * SCALE[name]
