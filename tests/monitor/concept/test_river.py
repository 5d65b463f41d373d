"""River says the same of the same stream, at the same parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from river import drift

from otelml.monitor.concept import ADWIN, DDM, EDDM, KSWIN, Alarms, Detector, PageHinkley
from otelml.sketch.array import Floats
from tests.monitor.concept.streams import absolute, wrong

RIVER: Any = drift
RATES = (0.1, 0.3, 0.15, 0.5, 0.45, 0.2, 0.02, 0.1)

Peer = Callable[[], Any]


def of_peer(peer: Any, values: Floats) -> Alarms:
    """What the peer says, a value at a time; a warning is told where it begins."""
    alarms = Alarms([], [])
    warned = False
    for at, value in enumerate(values.tolist()):
        peer.update(value)
        if peer.drift_detected:
            alarms.drifts.append(at)
        warns = getattr(peer, "warning_detected", False)
        if warns and not warned:
            alarms.warnings.append(at)
        warned = warns
    return alarms


def levels(seed: int) -> list[tuple[float, int]]:
    rng = np.random.default_rng(seed)
    return [(rate, int(rng.integers(300, 6000))) for rate in RATES]


def paper_ddm() -> Detector:
    return DDM(min_errors=0, warning=2, drift=3)


def paper_eddm() -> Detector:
    return EDDM(warning=0.95, drift=0.9, confidence=0)


def rivers_page_hinkley() -> Detector:
    return PageHinkley(
        min_values=30, delta=0.005, threshold=50, alpha=1 - 0.0001, standardised=False
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (paper_ddm, RIVER.binary.DDM),
        (paper_eddm, RIVER.binary.EDDM),
        (rivers_page_hinkley, RIVER.PageHinkley),
        (lambda: ADWIN(min_values=10), RIVER.ADWIN),
    ],
)
def test_errors_of_0_and_1(ours: Callable[[], Detector], peer: Peer, seed: int) -> None:
    values = wrong(levels(seed), seed)
    expected = of_peer(peer(), values)
    assert expected.drifts
    assert expected == ours().update(values)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (rivers_page_hinkley, RIVER.PageHinkley),
        (lambda: ADWIN(min_values=10, span=1), RIVER.ADWIN),
        (
            lambda: ADWIN(delta=0.1, clock=7, buckets=3, min_part=9, min_values=40, span=1),
            lambda: RIVER.ADWIN(
                delta=0.1, clock=7, max_buckets=3, min_window_length=9, grace_period=40
            ),
        ),
    ],
)
def test_absolute_errors(ours: Callable[[], Detector], peer: Peer, seed: int) -> None:
    values = absolute([(10 * rate, length) for rate, length in levels(seed)], seed)
    expected = of_peer(peer(), values)
    assert expected.drifts
    assert expected == ours().update(values)


def test_kswin_finds_a_change_as_soon() -> None:
    """The same law, other draws: river draws from the older values, and ours takes them all."""
    before = 300
    delays: list[list[int]] = [[], []]
    for seed in range(10):
        values = absolute([(1, before), (4, 100)], seed)
        peer = of_peer(RIVER.KSWIN(alpha=1e-4, seed=seed), values).drifts
        ours = KSWIN(alpha=1e-4, window=100, recent=30, clock=1).update(values).drifts
        for each, drifts in zip(delays, (peer, ours), strict=True):
            each.append(next(at for at in drifts if at >= before) - before)
    assert np.median(delays[1]) <= np.median(delays[0])


def test_kswin_is_no_louder() -> None:
    counts = [0, 0]
    for seed in range(4):
        values = absolute([(1, 2000)], seed)
        counts[0] += len(of_peer(RIVER.KSWIN(seed=seed), values).drifts)
        counts[1] += len(KSWIN(alpha=0.005, window=100, recent=30, clock=1).update(values).drifts)
    assert 0 < counts[1] <= counts[0]
