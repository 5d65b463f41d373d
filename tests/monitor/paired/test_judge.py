"""Champion and challenger against scipy, scikit-learn and raw rows, and on known truths."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, cohen_kappa_score, roc_auc_score

from otelml.data import Finding, Model, Outcomes, Role
from otelml.monitor.paired.classes import Classes
from otelml.monitor.paired.discordance import Discordance
from otelml.monitor.paired.judge import NAMES, judge
from otelml.monitor.paired.numbers import Numbers
from otelml.monitor.paired.roc_auc import Areas
from otelml.monitor.paired.summary import Summary
from otelml.monitor.performance.check import Span
from otelml.monitor.segments import take
from otelml.sketch.array import Floats
from tests.monitor.decisions import estimated, scored

CHAMPION, SPAN = Model("churn", "1"), Span(Model("churn-next", "2"), 3, 4)


def classifiers(
    rows: int = 3000, gain: float = 0.0, seed: int = 0, *, ties: bool = False
) -> tuple[Outcomes, Outcomes]:
    """Two models that see the truth through noise, the challenger's less by `gain`."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    shared = rng.normal(size=rows)
    noise = (2 - np.array([[0.0], [gain]])) * (shared + rng.normal(size=(2, rows))) / 2
    scores = 1 / (1 + np.exp(-(truth + noise)))
    if ties:
        scores = np.round(scores, 1)
    happened = rng.random(rows) < 1 / (1 + np.exp(-2 * truth))
    return scored(scores[0], happened), scored(scores[1], happened)


def regressions(rows: int = 2000, gain: float = 0.0, seed: int = 0) -> tuple[Outcomes, Outcomes]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(100, 15, rows)
    one, other = truth + rng.normal(0, [[3.0], [3.0 - gain]], (2, rows))
    return estimated(one, truth), estimated(other, truth)


def judged(champion: Outcomes, challenger: Outcomes) -> dict[str, Finding]:
    summary, areas = Summary.of(champion, challenger), Areas.of([(champion, challenger)], "yes")
    return {f.check: f for f in judge(summary, areas, CHAMPION, SPAN)}


def score_of(outcomes: Outcomes) -> Floats:
    assert outcomes.scores is not None
    return outcomes.scores[:, 0]


def resampled(pair: tuple[Outcomes, Outcomes], of: Callable[..., float], times: int) -> Floats:
    rng = np.random.default_rng(1)
    n = len(pair[0].truth)
    draws = (rng.integers(0, n, n) for _ in range(times))
    return np.array([of(*(take(o, rows) for o in pair)) for rows in draws])


@pytest.mark.parametrize("ties", [False, True])
def test_areas_are_scikit_learns(*, ties: bool) -> None:
    pair = classifiers(gain=0.5, ties=ties)
    areas = Areas.of([pair], "yes")
    assert areas is not None
    expected = [roc_auc_score(o.truth == "yes", score_of(o)) for o in pair]
    assert expected == pytest.approx([areas.champion, areas.challenger], abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_the_error_of_areas_is_delongs(*, ties: bool) -> None:
    """By the definition: every pair of rows of either class, and the covariances of both models."""
    pair = classifiers(400, ties=ties)
    right = pair[0].truth == "yes"
    m, n = right.sum(), (~right).sum()
    kernels = [
        (np.sign(score_of(o)[right][:, None] - score_of(o)[~right][None, :]) + 1) / 2 for o in pair
    ]
    above = np.cov([k.mean(axis=1) for k in kernels])
    below = np.cov([k.mean(axis=0) for k in kernels])
    contrast = np.array([-1.0, 1.0])
    expected = np.sqrt(contrast @ (above / m + below / n) @ contrast)
    areas = Areas.of([pair], "yes")
    assert areas is not None
    assert expected == pytest.approx(areas.error, rel=1e-10)
    z = areas.difference / expected
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(areas.p_value, rel=1e-9)


def test_intervals_are_those_of_a_bootstrap() -> None:
    pair = classifiers(800, gain=0.5)
    found = judged(*pair)

    def area(one: Outcomes, other: Outcomes) -> float:
        areas = [roc_auc_score(o.truth == "yes", score_of(o)) for o in (one, other)]
        return float(areas[1] - areas[0])

    def accuracy(one: Outcomes, other: Outcomes) -> float:
        return float((other.predicted == one.truth).mean() - (one.predicted == one.truth).mean())

    def kappa(one: Outcomes, other: Outcomes) -> float:
        return float(cohen_kappa_score(one.predicted, other.predicted))

    for check, of in (
        ("roc_auc_difference", area),
        ("accuracy_difference", accuracy),
        ("cohen_kappa", kappa),
    ):
        low, high = np.quantile(resampled(pair, of, 500), [0.025, 0.975])
        assert (low, high) == pytest.approx(found[check].interval, abs=0.12 * (high - low))


def test_errors_are_compared_as_by_a_bootstrap() -> None:
    pair = regressions(1500, gain=0.3)

    def error(one: Outcomes, other: Outcomes) -> float:
        gaps = [np.abs(o.predicted - one.truth).mean() for o in (one, other)]
        return float(gaps[1] - gaps[0])

    low, high = np.quantile(resampled(pair, error, 2000), [0.025, 0.975])
    found = judged(*pair)["error_difference"].interval
    assert (low, high) == pytest.approx(found, abs=0.1 * (high - low))


def test_errors_are_compared_by_scipys_paired_t() -> None:
    pair = regressions(gain=0.1)
    errors = [np.abs(o.predicted - o.truth) for o in pair]
    expected = stats.ttest_rel(errors[1], errors[0])
    found = judged(*pair)["error_difference"]
    assert expected.pvalue == pytest.approx(found.p_value, rel=1e-9)
    assert tuple(expected.confidence_interval()) == pytest.approx(found.interval, rel=1e-9)
    told = found.value, found.reference
    assert (errors[1].mean() - errors[0].mean(), errors[0].mean()) == pytest.approx(told)


def test_errors_are_those_of_rows_that_both_have() -> None:
    champion, challenger = regressions()
    challenger.predicted[:500] = np.nan
    champion.predicted[1500:] = np.inf
    both = slice(500, 1500)
    found = judged(champion, challenger)["error_difference"]
    expected = np.abs(champion.predicted - champion.truth)[both].mean()
    assert (expected, 1000) == pytest.approx((found.reference, found.samples))


def test_scores_are_compared_by_scipys_paired_t() -> None:
    pair = classifiers()
    expected = stats.ttest_rel(score_of(pair[1]), score_of(pair[0]))
    found = judged(*pair)["score_difference"]
    assert expected.pvalue == pytest.approx(found.p_value, rel=1e-9)
    assert tuple(expected.confidence_interval()) == pytest.approx(found.interval, rel=1e-9)
    assert ("ml.prediction.class", "yes") in found.labels


def test_accuracies_are_scikit_learns() -> None:
    pair = classifiers(gain=1)
    one, other = (accuracy_score(o.truth, o.predicted) for o in pair)
    found = judged(*pair)["accuracy_difference"]
    assert (other - one, one) == pytest.approx((found.value, found.reference), abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 5), (7, 3), (12, 12), (20, 4)])
def test_few_discordant_rows_are_tested_exactly(b: int, c: int) -> None:
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert expected == pytest.approx(Discordance(50, b, c, 9).p_value, rel=1e-9)


@pytest.mark.parametrize(("b", "c"), [(13, 12), (25, 25), (40, 90)])
def test_many_discordant_rows_are_tested_by_chi_squared(b: int, c: int) -> None:
    statistic = max(abs(b - c) - 1, 0) ** 2 / (b + c)
    expected = stats.chi2.sf(statistic, 1)
    assert expected == pytest.approx(Discordance(50, b, c, 9).p_value, rel=1e-9)


def test_the_interval_of_accuracies_is_walds_with_a_row_more_of_either_kind() -> None:
    table = Discordance(both=20, champion=1, challenger=6, neither=3)
    gains = np.repeat([0.0, -1.0, 1.0], [23, 1 + 1, 6 + 1])
    half = stats.norm.ppf(0.975) * gains.std() / len(gains) ** 0.5
    assert (gains.mean() - half, gains.mean() + half) == pytest.approx(table.interval)


def test_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 4, 500)
    other = np.where(rng.random(500) < 0.6, one, rng.integers(0, 4, 500))
    pair = [
        Outcomes(x.astype(str).astype(object), x.astype(object), np.ones(500)) for x in (one, other)
    ]
    found = Classes.of(*pair)
    expected = (one == other).mean(), cohen_kappa_score(one, other)
    assert expected == pytest.approx((found.agreement, found.kappa), abs=1e-12)


def test_models_that_know_one_class_have_no_kappa() -> None:
    classes = Classes({("no", "no"): 300})
    assert (1.0, None, None) == (classes.agreement, classes.kappa, classes.kappa_interval)


def test_numbers_are_compared_as_by_scipy() -> None:
    pair = regressions()
    expected = stats.pearsonr(pair[0].predicted, pair[1].predicted)
    found = judged(*pair)
    correlation = found["correlation"]
    assert expected.statistic == pytest.approx(correlation.value, abs=1e-12)
    assert tuple(expected.confidence_interval()) == pytest.approx(correlation.interval, abs=1e-9)
    t = stats.ttest_rel(pair[1].predicted, pair[0].predicted)
    assert tuple(t.confidence_interval()) == pytest.approx(found["mean_difference"].interval)
    values = zip(*(o.predicted.tolist() for o in pair), strict=True)
    near = [math.isclose(one, other, rel_tol=0.01) for one, other in values]
    assert sum(near) / len(near) == found["agreement"].value


def test_a_correlation_far_from_zero_keeps_its_digits() -> None:
    one, other = np.random.default_rng(0).normal(1e8, 1, (2, 1000))
    found = Numbers.of(estimated(one, one), estimated(other, other))
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(found.correlation, abs=1e-7)


def test_constant_numbers_have_no_correlation() -> None:
    same = estimated(np.ones(300), np.ones(300))
    found = judged(same, same)
    assert "not_applicable" == found["correlation"].verdict
    assert (1.0, "ok") == (found["agreement"].value, found["agreement"].verdict)
    assert (0.0, 1.0) == (found["error_difference"].value, found["error_difference"].p_value)


def test_a_better_challenger_is_news_and_a_worse_one_is_not() -> None:
    better = judged(*classifiers(gain=1.0))
    worse = judged(*classifiers(gain=1.0)[::-1])
    for check in ("accuracy_difference", "roc_auc_difference"):
        assert ("warn", "ok") == (better[check].verdict, worse[check].verdict)
    nearer, further = judged(*regressions(gain=1)), judged(*regressions(gain=1)[::-1])
    check = "error_difference"
    assert ("warn", "ok") == (nearer[check].verdict, further[check].verdict)
    others = ("agreement", "cohen_kappa", "score_difference")
    assert {"ok"} == {better[check].verdict for check in others}


def test_a_challenger_that_is_no_better_is_seldom_news() -> None:
    verdicts = [
        f.verdict
        for seed in range(300)
        for pair in (classifiers(300, seed=seed), regressions(300, seed=seed))
        for f in judged(*pair).values()
        if f.effect is not None
    ]
    assert 900 == len(verdicts)
    assert verdicts.count("warn") <= 0.01 * len(verdicts)  # type: ignore[arg-type]  # a StrEnum


def test_the_same_model_twice_agrees_wholly() -> None:
    one = classifiers()[0]
    found = judged(one, one)
    told = {check: f.value for check, f in found.items()}
    assert {
        "agreement": 1.0,
        "cohen_kappa": 1.0,
        "score_difference": 0.0,
        "accuracy_difference": 0.0,
        "roc_auc_difference": 0.0,
    } == told
    assert {None, 1.0} == {f.p_value for f in found.values()}
    assert {"ok"} == {f.verdict for f in found.values()}


def test_findings_are_the_challengers_beside_its_champion() -> None:
    told = judged(*classifiers()) | judged(*regressions())
    assert set(NAMES) == set(told)
    for finding in told.values():
        assert ("ml.shadow.champion", "churn") == finding.labels[0]
        of = finding.model, finding.model_version, finding.role, finding.window
        assert ("churn-next", "2", Role.ERROR, (3, 4)) == of


def test_few_rows_are_too_little() -> None:
    found = judged(*classifiers(150))
    assert {("too_little_data", None)} == {(f.verdict, f.value) for f in found.values()}


def test_without_labels_models_agree_but_none_is_better() -> None:
    one, other = classifiers()
    one.truth[:] = None
    assert {"agreement", "cohen_kappa", "score_difference"} == set(judged(one, other))


def test_areas_are_of_all_pieces_of_a_window() -> None:
    one, other = classifiers(300)
    pieces = np.array_split(np.arange(300), 7)
    pairs = [(take(one, rows), take(other, rows)) for rows in pieces]
    assert Areas.of([(one, other)], "yes") == Areas.of(pairs, "yes")


def test_areas_of_the_other_class_are_those_of_its_scores() -> None:
    pair = classifiers(300)
    both = [
        replace(o, classes=("no", "yes"), scores=np.column_stack([1 - score_of(o), score_of(o)]))
        for o in pair
    ]
    expected, found = Areas.of([pair], "yes"), Areas.of([(both[0], both[1])], "no")
    assert expected is not None
    assert found is not None
    assert expected.difference == pytest.approx(found.difference)


def test_areas_need_scores_and_rows_of_both_classes() -> None:
    one, other = classifiers(300)
    renamed, unscored = replace(other, classes=("no",)), replace(other, scores=None)
    only = np.flatnonzero(one.truth == "yes")
    assert Areas.of([(one, renamed)], "yes") is None
    assert Areas.of([(one, unscored)], "yes") is None
    assert Areas.of([(take(one, only), take(other, only))], "yes") is None
    assert Areas.of([], "yes") is None
    unnamed = replace(other, classes=("",))
    assert Areas.of([(one, other)], "yes") == Areas.of([(one, unnamed)], "yes")
