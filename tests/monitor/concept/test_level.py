"""After a drift: errors that stay bad, and errors that come back."""

import json

import numpy as np
import numpy.typing as npt
import pytest

from otelml.monitor.concept.level import Level

DRIFT = 5150


def stream(seed: int, *parts: tuple[float, int]) -> npt.NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return np.concatenate([random.random(n) < rate for rate, n in parts]).astype(np.float64)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("good", "bad"), [(0.1, 0.3), (0.12, 0.26), (0.0, 0.2), (0.3, 0.4)])
def test_what_stays_bad_stays_raised(seed: int, good: float, bad: float) -> None:
    level = Level()
    level.update(stream(seed, (good, 5000), (bad, 100_000)), [DRIFT])
    assert level.raised


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("good", "bad", "within"),
    [(0.1, 0.3, 300), (0.12, 0.26, 600), (0.0, 0.2, 300), (0.3, 0.4, 2500)],
)
def test_what_comes_back_is_soon_seen_to(seed: int, good: float, bad: float, within: int) -> None:
    level = Level()
    level.update(stream(seed, (good, 5000), (bad, 3000)), [DRIFT])
    level.update(stream(seed + 100, (good, within)), [])
    assert not level.raised


@pytest.mark.parametrize("rate", [0.1, 0.02])
def test_a_false_alarm_and_an_improvement_end(rate: float) -> None:
    level = Level()
    level.update(stream(1, (0.1, 5000), (rate, 2000)), [5000])
    assert not level.raised


@pytest.mark.parametrize("seed", range(5))
def test_absolute_errors_of_a_regression(seed: int) -> None:
    random = np.random.default_rng(seed)
    level = Level()
    level.update(np.abs(random.normal(0, [*[1.0] * 5000, *[2.0] * 20_000])), [DRIFT])
    assert level.raised
    level.update(np.abs(random.normal(0, 1, 300)), [])
    assert not level.raised


@pytest.mark.parametrize("at", [3000, 7000])
def test_one_wild_error_makes_no_difference(at: int) -> None:
    random = np.random.default_rng(0)
    errors = np.abs(random.normal(0, [*[1.0] * 5000, *[2.0] * 20_000]))
    errors[at] = 1e9
    level = Level()
    level.update(errors, [DRIFT])
    assert level.raised
    level.update(np.abs(random.normal(0, 1, 300)), [])
    assert not level.raised


def test_errors_that_are_all_the_same() -> None:
    level = Level()
    level.update([0.0] * 1000 + [1.0] * 1000, [1000])
    assert level.raised
    level.update([0.0], [])
    assert not level.raised


def test_batches_make_no_difference_and_state_is_kept() -> None:
    errors = stream(3, (0.1, 3000), (0.4, 2000), (0.1, 2000), (0.5, 1000))
    drifts = [3100, 3900, 7060]
    whole = Level()
    whole.update(errors, drifts)
    piecewise = Level()
    for start in range(0, len(errors), 37):
        some = [at - start for at in drifts if start <= at < start + 37]
        piecewise.update(errors[start : start + 37], some)
        piecewise = Level.of(json.loads(json.dumps(piecewise.state())))
    assert whole.raised
    assert (whole.raised, whole.before.count, whole.since.count) == (
        piecewise.raised,
        piecewise.before.count,
        piecewise.since.count,
    )
    assert whole.mean == pytest.approx(piecewise.mean, rel=1e-12)
