"""A verdict needs a change beyond its limit and beyond chance; better news never alarms."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from otelml.data import Finding, Model, Outcomes, Role, Verdict
from otelml.monitor.alerts import Alerts
from otelml.monitor.performance.check import Rules, Span
from otelml.monitor.performance.registry import DEFAULT, METRICS, NAMES, judge
from otelml.monitor.performance.summary import Summary

SPAN = Span(Model("m", "2"), 5, 9)


def names(codes: Any) -> Any:
    return np.array([*"nyz"], object)[codes]


def classifier(right: int, wrong: int) -> Summary:
    """Predictions of y that are right, and wrong."""
    truth = np.repeat([1, 0], [right, wrong])
    return Summary.of(
        Outcomes(names(np.ones(right + wrong, int)), names(truth), np.ones(truth.size))
    )


def regression(scale: float, rows: int = 4_000, bias: float = 0.0, seed: int = 0) -> Summary:
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 3, rows)
    return Summary.of(Outcomes(truth + rng.normal(bias, scale, rows), truth, np.ones(rows)))


def one(findings: list[Finding], check: str) -> Finding:
    (found,) = (f for f in findings if f.check == check)
    return found


def verdict(check: str, reference: Summary | None, summary: Summary, rules: Rules = DEFAULT) -> str:
    return one(judge(rules, reference, summary, SPAN), check).verdict


def test_a_finding_says_what_it_is_about() -> None:
    reference, summary = classifier(9_000, 1_000), classifier(1_600, 400)
    found = one(judge(DEFAULT, reference, summary, SPAN), "precision")
    assert (("ml.performance.average", "binary"), ("ml.performance.source", "ground_truth")) == (
        found.labels
    )
    assert ("m", "2", Role.ERROR, None) == (
        found.model, found.model_version, found.role, found.feature
    )  # fmt: skip
    assert (0.8, 0.9) == (found.value, found.reference)
    assert pytest.approx(1 / 9) == found.effect
    assert found.interval is not None
    assert found.interval[0] < 0.8 < found.interval[1] < 0.9
    assert (2_000, 10_000, (5, 9)) == (found.samples, found.baseline_samples, found.window)
    assert (0.05, 0.1) == (found.limits.warn, found.limits.alarm)
    assert found.limits.null is not None
    assert 0 < found.limits.null < 1 / 9
    assert Verdict.ALARM == found.verdict
    json.dumps(found.json(), allow_nan=False)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (1_800, 200, "ok"),
        (1_740, 260, "ok"),  # 3 % worse: certain, and too little
        (1_680, 320, "warn"),
        (1_600, 400, "alarm"),
        (160, 40, "alarm"),  # of 200 rows 3.5 standard errors
        (168, 32, "warn"),
        (171, 29, "warn"),
        (172, 28, "ok"),  # 4.4 %
        (159, 40, "too_little_data"),
        (2_000, 0, "warn"),  # 11 % better
    ],
)
def test_precision_against_nine_in_ten(right: int, wrong: int, expected: str) -> None:
    assert expected == verdict("precision", classifier(90_000, 10_000), classifier(right, wrong))


def test_a_change_within_both_intervals_is_chance() -> None:
    assert "ok" == verdict("precision", classifier(180, 20), classifier(168, 32))
    assert "warn" == verdict("precision", classifier(180_000, 20_000), classifier(168, 32))


def test_errors_that_grow_alarm_and_that_shrink_warn() -> None:
    reference = regression(1.0, 50_000)
    for name in ("mae", "mse", "rmse", "residual_variance"):
        assert "alarm" == verdict(name, reference, regression(1.3))
        assert "warn" == verdict(name, reference, regression(0.7))
        assert "ok" == verdict(name, reference, regression(1.0, seed=1))


def test_a_bias_is_as_large_as_it_is_beside_the_error() -> None:
    reference = regression(1.0, 50_000)
    assert "ok" == verdict("mean_error", reference, regression(1.0, bias=0.04, seed=3))
    assert "alarm" == verdict("mean_error", reference, regression(1.0, bias=-0.3))
    assert "warn" == verdict("mean_error", regression(1.0, 50_000, bias=0.3), regression(1.0))


def test_the_share_of_positives_never_alarms() -> None:
    def flagged(share: float, rows: int = 5_000) -> Summary:
        codes = (np.arange(rows) < share * rows).astype(int)
        return Summary.of(Outcomes(names(codes), names(codes), np.ones(rows)))

    assert "warn" == verdict("positive_rate", flagged(0.2), flagged(0.4))
    assert "warn" == verdict("positive_rate", flagged(0.4), flagged(0.2))
    assert "ok" == verdict("positive_rate", flagged(0.4), flagged(0.4))


def test_an_absolute_limit_needs_the_whole_interval_beyond_it() -> None:
    rules = replace(DEFAULT, absolute={"accuracy": {"alarm": 0.9}, "mae": {"warn": 1.0}})
    assert "alarm" == verdict("accuracy", None, classifier(860, 140), rules)
    assert "ok" == verdict("accuracy", None, classifier(890, 110), rules)
    assert "alarm" == verdict("accuracy", classifier(860, 140), classifier(860, 140), rules)
    found = one(judge(rules, None, classifier(860, 140), SPAN), "accuracy")
    assert (0.86, 0.9) == (found.effect, found.limits.alarm)
    assert "warn" == verdict("mae", None, regression(1.5), rules)
    assert "ok" == verdict("mae", None, regression(1.0), rules)


def test_without_a_reference_there_is_a_value_and_no_verdict() -> None:
    found = one(judge(DEFAULT, None, classifier(860, 140), SPAN), "accuracy")
    assert (Verdict.NO_BASELINE, 0.86) == (found.verdict, found.value)
    assert found.interval is not None
    assert found.effect is None


def test_relative_limits_are_configurable() -> None:
    rules = replace(DEFAULT, limits={"precision": {"warn": 0.01, "alarm": 0.02}})
    assert "alarm" == verdict(
        "precision", classifier(9_000, 1_000), classifier(8_700, 1_300), rules
    )


def test_unknown_measures_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown measure 'acuracy': choose among accuracy"):
        Rules(METRICS, absolute={"acuracy": {"alarm": 0.9}})


def test_excluded_measures_are_not_judged() -> None:
    rules = replace(DEFAULT, exclude=frozenset(NAMES) - {"mae"})
    assert ["mae"] == [f.check for f in judge(rules, None, regression(1.0), SPAN)]


def test_the_positive_class_is_the_scored_one_else_the_given_one_else_the_last() -> None:
    predicted, truth = names([0, 0, 0, 1]), names([0, 0, 1, 1])
    plain = Outcomes(predicted, truth, np.ones(4))
    assert 0.5 == one(judge(DEFAULT, None, Summary.of(plain), SPAN), "recall").value
    given = replace(DEFAULT, positive="n")
    assert 1.0 == one(judge(given, None, Summary.of(plain), SPAN), "recall").value
    scored = replace(plain, classes=("n",), scores=np.full((4, 1), 0.5))
    assert 1.0 == one(judge(DEFAULT, None, Summary.of(scored), SPAN), "recall").value


def test_what_a_window_lacks_the_reference_tells() -> None:
    """Three classes in the reference, two in the window: still no binary classifier."""
    three = Summary.of(Outcomes(names([0, 1, 2]), names([0, 1, 2]), np.ones(3)))
    averages = {dict(f.labels).get("ml.performance.average") for f in judge(
        DEFAULT, three, classifier(300, 10), SPAN)}  # fmt: skip
    assert {None, "macro", "micro", "weighted"} == averages


def test_a_summary_is_the_sum_of_its_parts_and_json() -> None:
    rng = np.random.default_rng(8)
    p = rng.dirichlet([1, 2, 3], 300)
    truth = names(rng.choice(3, 300))
    truth[::17] = None
    whole = Outcomes(names(p.argmax(axis=1)), truth, np.ones(300), ("n", "y", "z"), p)
    parts = [
        Summary.of(replace(whole, predicted=whole.predicted[s], truth=truth[s], weight=np.ones(n),
            scores=p[s]))
        for s, n in ((slice(0, 100), 100), (slice(100, 300), 200))
    ]  # fmt: skip
    merged, expected = parts[1].merge(parts[0]), Summary.of(whole)
    assert (expected.rows, expected.confusion, expected.scores) == (
        merged.rows, merged.confusion, merged.scores
    )  # fmt: skip
    assert 300 - 18 == merged.rows
    assert expected.log_loss.mean == pytest.approx(merged.log_loss.mean, rel=1e-12)
    assert merged == Summary.load(json.loads(json.dumps(merged.dump())))
    assert merged == merged.merge(Summary.empty())


@pytest.mark.parametrize("rows", [200, 1_000, 5_000])
def test_windows_without_change_open_no_alert(rows: int) -> None:
    rng = np.random.default_rng(rows)

    def drawn(n: int) -> Summary:
        z = rng.normal(size=n)
        p = 1 / (1 + np.exp(1 - 2 * z))
        truth = names(1 * (rng.uniform(size=n) < p))
        return Summary.of(Outcomes(names(1 * (p > 0.5)), truth, np.ones(n), ("y",), p[:, None]))

    reference, alerts = drawn(20_000), Alerts()
    findings = [judge(DEFAULT, reference, drawn(rows), SPAN) for _ in range(300)]
    assert [] == [change for found in findings for change in alerts.update(found)]
    alarms = [f.check for found in findings for f in found if f.verdict is Verdict.ALARM]
    assert 1e-3 >= len(alarms) / sum(map(len, findings)), alarms
