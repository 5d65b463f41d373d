"""Intervals hold the truth in about 95 of 100 windows, and are those of scipy where it has them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from otelml.data import Model, Outcomes
from otelml.monitor.performance.check import Case, Span, positive_class
from otelml.monitor.performance.interval import Z, normal, wilson
from otelml.monitor.performance.registry import DEFAULT, METRICS
from otelml.monitor.performance.summary import Summary

SPAN = Span(Model("m"), 0, 1)
WINDOWS = 400
WIDE = {"score_ks": 1.6, "calibration_error": 2.0}
"""How much wider than need be intervals are; these two allow for a value that noise lifts."""
BY_NAME = {metric.name: metric for metric in METRICS}


@pytest.mark.parametrize(("hits", "rows"), [(0, 10), (3, 10), (10, 10), (57, 300), (299, 300)])
def test_wilson_is_that_of_scipy(hits: int, rows: int) -> None:
    expected = stats.binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    got = wilson(hits / rows, rows)
    assert (expected.low, expected.high) == pytest.approx((got.low, got.high), abs=1e-12)


def test_a_normal_interval_stays_within_its_bounds() -> None:
    assert (0.5, 0.0, 1.0) == tuple(normal(0.5, 4.0, 0.0, 1.0))


def names(codes: Any) -> Any:
    return np.array([*"abcd"], object)[codes]


def binary(rng: np.random.Generator, rows: int) -> Outcomes:
    z = rng.normal(size=rows)
    p = 1 / (1 + np.exp(-2 * z + 1))
    truth = rng.uniform(size=rows) < np.clip(p + 0.1, 0, 1)
    weight = rng.choice([1.0, 3.0], rows)
    return Outcomes(names(1 * (p > 0.4)), names(1 * truth), weight, ("b",), p[:, None])


def several(rng: np.random.Generator, rows: int) -> Outcomes:
    truth = rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    guess = np.where(rng.uniform(size=rows) < 0.25, rng.choice(4, rows), truth)
    return Outcomes(names(guess), names(truth), rng.choice([1.0, 2.0], rows))


def numbers(rng: np.random.Generator, rows: int) -> Outcomes:
    truth = rng.gamma(3.0, 2.0, rows)
    guess = truth * 0.9 + rng.normal(0, 0.5, rows) * np.sqrt(truth) + 0.3
    weight = rng.choice([1.0, 2.0], rows)
    return Outcomes(guess, truth, weight, low=guess - 1, high=guess + 2)


CASES = [
    (binary, 500, "binary", "precision recall f1 false_positive_rate false_negative_rate"),
    (binary, 500, "binary", "positive_rate roc_auc pr_auc gini score_ks calibration_error"),
    (binary, 500, None, "accuracy log_loss brier_score"),
    (several, 600, "macro", "precision recall f1 false_positive_rate false_negative_rate"),
    (several, 600, "micro", "precision recall f1 false_positive_rate"),
    (several, 600, "weighted", "precision recall f1 false_positive_rate false_negative_rate"),
    (numbers, 500, None, "mae mse rmse mape r2 mean_error residual_variance interval_coverage"),
]


@pytest.mark.parametrize(("make", "rows", "average", "measures"), CASES)
def test_intervals_hold_the_truth(
    make: Callable[[np.random.Generator, int], Outcomes],
    rows: int,
    average: str | None,
    measures: str,
) -> None:
    rng = np.random.default_rng(11)
    large = Summary.of(make(rng, 400_000))
    positive = positive_class(DEFAULT, large)
    windows = [Summary.of(make(rng, rows)) for _ in range(WINDOWS)]
    for name in measures.split():
        truth = BY_NAME[name].measure(Case(large, average, positive))
        values = [BY_NAME[name].measure(Case(window, average, positive)) for window in windows]
        got = np.array(values, np.float64)
        assert truth is not None
        held = (got[:, 1] <= truth.value) & (truth.value <= got[:, 2])
        assert 0.91 <= held.mean(), name
        width = (got[:, 2] - got[:, 1]).mean() / (2 * Z * got[:, 0].std())
        assert WIDE.get(name, 1.25) >= width, name
