"""Estimates are what labels say later, as long as the frequency given the score holds."""

from typing import Any

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from otelml.data import Model, Outcomes
from otelml.monitor.performance.calibration import Calibration, calibrations, isotonic
from otelml.monitor.performance.check import Span
from otelml.monitor.performance.estimate import estimate, misses
from otelml.monitor.performance.loss import estimate_loss
from otelml.monitor.performance.registry import DEFAULT, SOURCE, judge
from otelml.monitor.performance.summary import Summary
from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability
from otelml.sketch.scores import Scores

SPAN = Span(Model("m"), 0, 1)
ROWS = 200_000


def names(codes: Any) -> Any:
    return np.array(["no", "yes"], object)[codes]


def drawn(seed: int, at: float, rows: int, sure: float = 1.0) -> Outcomes:
    """Scores about a logit; `sure` times too sure of themselves."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(at, 2, rows)
    truth = rng.uniform(size=rows) < 1 / (1 + np.exp(-logit))
    score = 1 / (1 + np.exp(-sure * logit))
    guess = 1 * (score >= 0.5)
    return Outcomes(names(guess), names(1 * truth), np.ones(rows), ("yes",), score[:, None])


def scores(outcomes: Outcomes) -> Floats:
    assert outcomes.scores is not None
    return outcomes.scores[:, 0]


def estimated(reference: Summary, window: Outcomes, *, by_class: bool) -> Summary:
    predictions = Categories.of(window.predicted.tolist()) if by_class else None
    sketch = {"yes": Probability.of(scores(window))}
    return estimate(reference, calibrations(reference.scores), sketch, predictions)


@pytest.mark.parametrize("by_class", [True, False])
@pytest.mark.parametrize("sure", [1.0, 2.5, 0.4])
def test_an_estimate_is_what_labels_say_later(sure: float, by_class: bool) -> None:
    reference, window = Summary.of(drawn(1, 0, ROWS, sure)), drawn(2, -1.5, ROWS, sure)
    before = judge(DEFAULT, reference, estimated(reference, window, by_class=by_class), SPAN,
                   ((SOURCE, "estimated"),))  # fmt: skip
    after = judge(DEFAULT, reference, Summary.of(window), SPAN)
    found = {miss.check: miss.error for miss in misses(before, after)}
    assert {f.check for f in after} == {*found}
    for check, error in found.items():
        assert 0.0 == pytest.approx(error, abs=0.02 if check == "calibration_error" else 0.008), (
            check
        )


def test_calibration_is_for_scores_that_need_it() -> None:
    for sure, trusts in ((1.0, True), (2.5, False)):
        learnt = Calibration.learn(Summary.of(drawn(3, 0, 20_000, sure)).scores["yes"])
        assert trusts == learnt.trusts
    rng = np.random.default_rng(4)
    distance = rng.normal(0, 3, 20_000)
    hits = rng.uniform(size=20_000) < 1 / (1 + np.exp(-distance))
    learnt = Calibration.learn(Scores.of(distance, hits))
    got = learnt.probability(np.array([-2.0, 0.0, 2.0]))
    assert [0.119, 0.5, 0.881] == pytest.approx(got.tolist(), abs=0.03)


def test_isotonic_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(size=300))
    weight = rng.uniform(0.5, 3, 300)
    hits = weight * (rng.uniform(size=300) < x)
    expected = IsotonicRegression().fit(x, hits / weight, weight).predict(x)
    _, shares = isotonic(x, hits, weight - hits)
    assert np.unique(expected).tolist() == pytest.approx(shares.tolist())


def test_a_threshold_that_is_not_a_half_is_known_from_the_predictions() -> None:
    reference, window = Summary.of(drawn(1, 0, ROWS)), drawn(2, -1, ROWS)
    strict = Outcomes(
        names(1 * (scores(window) >= 0.8)), window.truth, window.weight, ("yes",), window.scores
    )
    got = estimated(reference, strict, by_class=True)
    expected = Summary.of(strict)
    for pair, cell in expected.confusion.cells.items():
        assert cell.weight / ROWS == pytest.approx(
            got.confusion.cells[pair].weight / ROWS, abs=0.004
        )


def test_several_classes_have_an_estimated_area() -> None:
    rng = np.random.default_rng(6)

    def several(spread: float) -> Outcomes:
        p = np.array([rng.dirichlet(spread * np.array([1, 2, 3])) for _ in range(20_000)])
        truth = (rng.uniform(size=(len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
        letters = np.array([*"abc"], object)
        return Outcomes(letters[p.argmax(axis=1)], letters[truth], np.ones(len(p)), (*"abc",), p)

    reference, window = Summary.of(several(1)), several(3)
    assert window.scores is not None
    sketches = {name: Probability.of(window.scores[:, i]) for i, name in enumerate("abc")}
    guess = estimate(reference, calibrations(reference.scores), sketches)
    found = misses(
        judge(DEFAULT, reference, guess, SPAN), judge(DEFAULT, reference, Summary.of(window), SPAN)
    )
    errors = {miss.check: miss.error for miss in found}
    assert {"roc_auc", "pr_auc", "gini", "score_ks", "calibration_error"} == {*errors}
    assert 0.0 == pytest.approx(errors["roc_auc"], abs=0.01)


def test_nothing_is_estimated_of_nothing() -> None:
    reference = Summary.of(drawn(1, 0, 100))
    assert Summary() == estimate(reference, calibrations(reference.scores), {})
    empty = {"yes": Probability.empty()}
    assert Summary() == estimate(reference, calibrations(reference.scores), empty)
    assert Summary() == estimate_loss(reference.residuals, Numeric.of([1.0]))


def priced(seed: int, at: float, rows: int) -> Outcomes:
    """Errors that grow with the prediction."""
    rng = np.random.default_rng(seed)
    guess = rng.normal(at, 2_000, rows)
    return Outcomes(guess, guess + rng.normal(0, 1, rows) * np.abs(guess) / 10, np.ones(rows))


def test_a_loss_is_what_truths_say_later() -> None:
    reference, window = Summary.of(priced(1, 10_000, ROWS)), priced(2, 7_000, ROWS)
    guess = estimate_loss(reference.residuals, Numeric.of(window.predicted))
    found = misses(
        judge(DEFAULT, reference, guess, SPAN), judge(DEFAULT, reference, Summary.of(window), SPAN)
    )
    assert {"mae", "mse", "rmse"} == {miss.check for miss in found}
    for miss in found:
        assert miss.realised == pytest.approx(miss.estimated, rel=0.02), miss.check
    realised = Summary.of(window).residuals
    for name in ("absolute", "squared"):
        wide = getattr(realised, name).variance
        assert wide == pytest.approx(getattr(guess.residuals, name).variance, rel=0.1)
