"""Measures of fairness against fairlearn and scikit-learn, and what is said of known truths."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from fairlearn import metrics
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from otelml.data import Finding, Limits, Model, Outcomes, Role
from otelml.monitor.alerts import subject_of
from otelml.monitor.fairness.groups import Groups
from otelml.monitor.fairness.judge import LEFT_OUT, MEASURES, NAMES, judge
from otelml.monitor.performance.check import Span
from tests.monitor.decisions import decisions

SPAN = Span(Model("loan", "2"), 3, 4)
ORACLES: dict[str, Callable[..., float]] = {
    "demographic_parity": metrics.demographic_parity_difference,
    "demographic_parity_ratio": metrics.demographic_parity_ratio,
    "equal_opportunity": metrics.equal_opportunity_difference,
    "equalized_odds": metrics.equalized_odds_difference,
    "equalized_odds_ratio": metrics.equalized_odds_ratio,
}


def judged(outcomes: Outcomes, column: str = "group", **options: Any) -> dict[str, Finding]:
    findings = judge(Groups.of(outcomes, column, "yes"), column, SPAN, **options)
    return {finding.check: finding for finding in findings}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("unfair", [0.0, 0.7])
def test_a_gap_is_fairlearns(name: str, *, weighted: bool, unfair: float) -> None:
    rows = decisions(5, (900, 800, 700, 600), unfair=unfair, weighted=weighted)
    expected = ORACLES[name](
        rows.truth == "yes",
        rows.predicted == "yes",
        sensitive_features=rows.segments["group"],
        sample_weight=rows.weight,
    )
    assert expected == pytest.approx(judged(rows)[name].value, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_rates_are_scikit_learns_by_group(*, weighted: bool) -> None:
    rows = decisions(6, unfair=0.5, weighted=weighted)
    groups = Groups.of(rows, "group", "yes")
    for place, name in enumerate(groups.names):
        here = rows.segments["group"] == name
        y, p, w = rows.truth[here], rows.predicted[here], rows.weight[here]
        tn, fp, _, _ = confusion_matrix(y, p, labels=["no", "yes"], sample_weight=w).ravel()
        expected = (
            w[p == "yes"].sum() / w.sum(),
            recall_score(y, p, pos_label="yes", sample_weight=w),
            fp / (fp + tn),
            precision_score(y, p, pos_label="yes", sample_weight=w),
        )
        rates = groups.selection, groups.true_positive, groups.false_positive, groups.precision
        assert expected == pytest.approx([rate.values[place] for rate in rates], abs=1e-12)


def test_precision_and_calibration_follow_their_definitions() -> None:
    rows = decisions(7, unfair=0.5)
    assert rows.scores is not None
    names = sorted(set(rows.segments["group"]))
    parts = [rows.segments["group"] == name for name in names]
    found = judged(rows)
    by = partial(precision_score, pos_label="yes")
    precisions = [by(rows.truth[here], rows.predicted[here]) for here in parts]
    assert np.ptp(precisions) == pytest.approx(found["predictive_parity"].value)
    errors = [rows.scores[here, 0] - (rows.truth[here] == "yes") for here in parts]
    means = [e.mean() for e in errors]
    one, other = errors[int(np.argmax(means))], errors[int(np.argmin(means))]
    calibration = found["calibration_parity"]
    assert np.ptp(means) == pytest.approx(calibration.value)
    expected = stats.ttest_ind(one, other, equal_var=False)
    assert expected.pvalue == pytest.approx(calibration.p_value, rel=0.05)
    interval = tuple(expected.confidence_interval(1 - 0.05 / 3))
    assert interval == pytest.approx(calibration.interval, abs=1e-3)


def test_unequal_treatment_is_told_and_equal_is_not() -> None:
    fair, unfair = judged(decisions(1)), judged(decisions(1, unfair=1.2))
    assert {"ok"} == {f.verdict for f in fair.values()}
    assert "alarm" == unfair["demographic_parity"].verdict
    assert "alarm" == unfair["demographic_parity_ratio"].verdict
    assert "alarm" == unfair["equalized_odds"].verdict
    assert "alarm" == unfair["calibration_parity"].verdict
    value, interval = unfair["demographic_parity"].value, unfair["demographic_parity"].interval
    assert value is not None
    assert interval is not None
    assert 0.2 < interval[0] < value < interval[1]


def test_a_finding_names_the_column_and_no_group_unless_allowed() -> None:
    rows = decisions(1, unfair=1.2)
    groups = Groups.of(rows, "group", "yes")
    for finding in judge(groups, "group", SPAN):
        assert (("ml.fairness.attribute", "group"),) == finding.labels
        told = finding.model, finding.model_version, finding.role, finding.window
        assert ("loan", "2", Role.ERROR, (3, 4)) == told
    labels = judge(groups, "group", SPAN, tell_groups=True)[0].labels
    assert (
        ("ml.fairness.attribute", "group"),
        ("ml.fairness.group.low", "g0"),
        ("ml.fairness.group.high", "g2"),
    ) == labels


def test_naming_groups_tells_no_alerts_apart() -> None:
    groups = Groups.of(decisions(1, unfair=1.2), "group", "yes")
    findings = [judge(groups, "group", SPAN, tell_groups=told)[0] for told in (False, True)]
    assert findings[0].labels != findings[1].labels
    assert 1 == len({subject_of(one) for one in findings})


def test_small_groups_are_left_out_and_counted() -> None:
    rows = decisions(2, (2000, 2000, 49, 3))
    same = decisions(2, (2000, 2000, 49, 3))
    large = np.isin(same.segments["group"], ["g0", "g1"])
    findings = judge(Groups.of(rows, "group", "yes"), "group", SPAN)
    parity = next(f for f in findings if f.check == "demographic_parity")
    rates = [(rows.predicted[rows.segments["group"] == g] == "yes").mean() for g in ("g0", "g1")]
    assert (abs(rates[0] - rates[1]), large.sum()) == pytest.approx((parity.value, parity.samples))
    counted = [(f.value, dict(f.labels)) for f in findings if f.check == LEFT_OUT]
    assert len(MEASURES) == len(counted)
    label = {"ml.fairness.attribute": "group", "ml.fairness.metric.name": "demographic_parity"}
    assert (2.0, label) in counted


def test_a_rate_needs_enough_rows_of_its_own() -> None:
    """A group of 1,000 rows, 20 of them of the positive class, has no true positive rate."""
    rows = decisions(2, (3000, 1000))
    other = rows.segments["group"] == "g1"
    spare = np.flatnonzero(other & (rows.truth == "yes"))[20:]
    truth = rows.truth.copy()
    truth[spare] = "no"
    found = judged(replace(rows, truth=truth))
    assert "too_little_data" == found["equal_opportunity"].verdict
    assert "ok" == found["demographic_parity"].verdict


def test_one_group_is_too_little() -> None:
    found = judged(decisions(0, (500,)))
    assert {"too_little_data"} == {f.verdict for f in found.values()}
    assert {None} == {f.value for f in found.values()}


def test_nobody_selected_has_no_ratio() -> None:
    rows = decisions()
    rows.predicted[:] = "no"
    found = judged(rows)
    assert "not_applicable" == found["demographic_parity_ratio"].verdict
    assert 0.0 == found["demographic_parity"].value


def test_large_groups_far_apart_are_told_beside_a_small_one_further_off() -> None:
    """The small group's gap is the value; that of the large ones is beyond doubt and decides."""
    shares = {"small": (50, 0.22), "low": (20_000, 0.25), "high": (20_000, 0.40)}
    group = np.concatenate([np.full(n, g, object) for g, (n, _) in shares.items()])
    predicted = np.concatenate([np.arange(n) < n * s for n, s in shares.values()])
    labels = np.where(predicted, "yes", "no").astype(object)
    rows = Outcomes(labels, labels, np.ones(len(group)), ("yes",), segments={"g": group})
    found = judged(rows, "g")["demographic_parity"]
    assert (0.18, 0.15) == pytest.approx((found.value, found.effect))
    assert "warn" == found.verdict


def test_limits_can_be_given() -> None:
    found = judged(decisions(1, unfair=1.2), limits={"demographic_parity": Limits(0.9, 0.95)})
    assert "ok" == found["demographic_parity"].verdict
    assert 0.9 == found["demographic_parity"].limits.warn


def test_every_measure_has_a_name_of_its_own() -> None:
    assert len(NAMES) == len(set(NAMES)) == len(MEASURES) + 1


def test_groups_treated_alike_raise_no_alarm_and_few_warnings() -> None:
    """Of groups of 60 to 3,000 rows, rare classes included."""
    warned = alarms = told = 0
    rng = np.random.default_rng(20261121)
    for seed in range(400):
        sizes = np.exp(rng.uniform(np.log(60), np.log(3000), rng.integers(2, 8))).astype(int)
        rows = decisions(seed, sizes.tolist(), base=float(rng.choice([0.02, 0.1, 0.5])))
        verdicts = [f.verdict for f in judged(rows).values()]
        told += sum(verdict in ("ok", "warn", "alarm") for verdict in verdicts)
        warned += verdicts.count("warn")  # type: ignore[arg-type]  # a StrEnum
        alarms += verdicts.count("alarm")  # type: ignore[arg-type]
    assert 0 == alarms
    assert warned < 0.01 * told
