"""Beside NannyML's CBPE, DLE and realised performance, on the data that it brings.

In both sets the change is exactly at the middle of ten chunks. Where errors depend on features
beside the prediction, as prices' do, the prediction's sketch tells half of what DLE tells, which
sees every row's features.
"""

import os
from typing import Any, Final

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it asks when it is imported

import nannyml
import numpy as np
import pytest

from otelml.data import Finding, Model, Outcomes, Verdict
from otelml.monitor.performance.calibration import calibrations
from otelml.monitor.performance.check import Span
from otelml.monitor.performance.estimate import estimate
from otelml.monitor.performance.loss import estimate_loss
from otelml.monitor.performance.registry import DEFAULT, SOURCE, judge
from otelml.monitor.performance.summary import Summary
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

CHUNKS: Final = 10
MEASURES: Final = ["roc_auc", "f1", "accuracy", "precision", "recall"]
SPAN: Final = Span(Model("m"), 0, 1)
ESTIMATED: Final = ((SOURCE, "estimated"),)


def named(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def frames(loaded: tuple[Any, Any, Any]) -> tuple[Any, Any, list[Any]]:
    """Reference, analysis without truths, and its chunks with them."""
    reference, analysis, truths = loaded
    full = analysis.merge(truths, on="id")
    size = len(full) // CHUNKS
    return reference, analysis, [full[i * size : (i + 1) * size] for i in range(CHUNKS)]


def column(result: Any, measure: str) -> list[float]:
    found: list[float] = result.filter(period="analysis").to_df()[measure, "value"].tolist()
    return found


def loans(frame: Any) -> Outcomes:
    predicted, truth = (
        frame[name].astype(int).astype(str).to_numpy(object) for name in ("y_pred", "repaid")
    )
    score = frame["y_pred_proba"].to_numpy(np.float64)[:, None]
    return Outcomes(predicted, truth, np.ones(len(frame)), ("1",), score)


def prices(frame: Any) -> Outcomes:
    predicted, truth = (frame[name].to_numpy(np.float64) for name in ("y_pred", "y_true"))
    return Outcomes(predicted, truth, np.ones(len(frame)))


def test_a_classifier() -> None:
    reference, analysis, chunks = frames(nannyml.load_synthetic_car_loan_dataset())
    about = {
        "y_pred_proba": "y_pred_proba",
        "y_pred": "y_pred",
        "y_true": "repaid",
        "problem_type": "classification_binary",
        "metrics": MEASURES,
        "chunk_size": len(chunks[0]),
    }
    theirs = nannyml.CBPE(**about).fit(reference).estimate(analysis)
    later = nannyml.PerformanceCalculator(**about).fit(reference)
    full = analysis.assign(repaid=np.concatenate([chunk["repaid"] for chunk in chunks]))
    realised = later.calculate(full)

    before = Summary.of(loans(reference))
    learnt = calibrations(before.scores)
    for at, chunk in enumerate(chunks):
        outcomes = loans(chunk)
        assert outcomes.scores is not None
        sketch = {"1": Probability.of(outcomes.scores[:, 0])}
        guess = estimate(before, learnt, sketch, Categories.of(outcomes.predicted.tolist()))
        estimated = named(judge(DEFAULT, before, guess, SPAN, ESTIMATED))
        measured = named(judge(DEFAULT, before, Summary.of(outcomes), SPAN))
        for name in MEASURES:
            expected = column(theirs, name)[at]
            assert expected == pytest.approx(estimated[name].value, abs=1e-3), (name, at)
            assert column(realised, name)[at] == pytest.approx(measured[name].value, abs=1e-9)
        for findings in (estimated, measured):
            drifted = at >= CHUNKS // 2
            assert (Verdict.ALARM if drifted else Verdict.OK) == findings["brier_score"].verdict
            assert drifted or {Verdict.OK} == {found.verdict for found in findings.values()}


def test_a_regression() -> None:
    reference, analysis, chunks = frames(nannyml.load_synthetic_car_price_dataset())
    features = [name for name in analysis if name not in ("id", "timestamp", "y_pred")]
    about = {
        "y_pred": "y_pred",
        "y_true": "y_true",
        "metrics": ["mae", "rmse"],
        "chunk_size": len(chunks[0]),
    }
    theirs = nannyml.DLE(feature_column_names=features, **about).fit(reference).estimate(analysis)
    before = Summary.of(prices(reference))
    for at, chunk in enumerate(chunks):
        outcomes = prices(chunk)
        guess = estimate_loss(before.residuals, Numeric.of(outcomes.predicted))
        estimated = named(judge(DEFAULT, before, guess, SPAN, ESTIMATED))
        measured = named(judge(DEFAULT, before, Summary.of(outcomes), SPAN))
        error = np.abs(outcomes.predicted - outcomes.truth)
        assert error.mean() == pytest.approx(measured["mae"].value, rel=1e-9)
        assert (error**2).mean() ** 0.5 == pytest.approx(measured["rmse"].value, rel=1e-9)
        if at < CHUNKS // 2:
            for name in ("mae", "rmse"):
                expected = column(theirs, name)[at]
                assert expected == pytest.approx(estimated[name].value, rel=0.01), (name, at)
                assert (Verdict.OK, Verdict.OK) == (estimated[name].verdict, measured[name].verdict)
        else:  # better, which is news and no alarm
            assert (Verdict.WARN, Verdict.WARN) == (
                estimated["mae"].verdict,
                measured["mae"].verdict,
            )
            old, new = estimated["mae"].reference, measured["mae"].value
            value = estimated["mae"].value
            assert old is not None
            assert new is not None
            assert value is not None
            assert 0.4 <= (old - value) / (old - new) <= 1
