"""Every measure beside scikit-learn's, with weights, on made and real data."""

import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import datasets, linear_model, metrics, naive_bayes, pipeline, preprocessing, tree

from otelml.data import Model, Outcomes
from otelml.monitor.performance.calibration_error import curve
from otelml.monitor.performance.check import Span
from otelml.monitor.performance.registry import AVERAGE, DEFAULT, judge
from otelml.monitor.performance.summary import Summary

SPAN = Span(Model("m"), 0, 1)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What scikit-learn warns of is its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def values(summary: Summary) -> dict[tuple[str, str | None], float | None]:
    found = judge(DEFAULT, None, summary, SPAN)
    return {(f.check, dict(f.labels).get(AVERAGE)): f.value for f in found}


def names(classes: Any) -> Any:
    return np.array([str(c) for c in classes], object)


def binary(kind: str) -> tuple[Any, Any, Any, Any]:
    """Truth, score, prediction and weights."""
    rng = np.random.default_rng(7)
    if kind == "breast_cancer":
        x, y = datasets.load_breast_cancer(return_X_y=True)
        x = x[:, :6] + rng.normal(0, x[:, :6].std(axis=0), x[:, :6].shape)
        model = naive_bayes.GaussianNB().fit(x[::2], y[::2])
        p = model.predict_proba(x)[:, 1]
    else:
        rows = 50_000
        z = rng.normal(size=rows)
        steep, at = {"calm": (1, 0), "confident": (20, -5), "rare": (2, -7), "saturated": (300, 0)}[
            kind
        ]
        p = 1 / (1 + np.exp(-np.clip(steep * z + at, -700, 700)))
        y = (rng.uniform(size=rows) < 1 / (1 + np.exp(-2 * z - at / 2))).astype(int)
    return y, p, (p >= 0.5).astype(int), rng.integers(1, 5, len(y)).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["breast_cancer", "calm", "confident", "rare", "saturated"])
def test_a_binary_classifier_is_measured_as_scikit_learn_does(kind: str, weighted: bool) -> None:
    y, p, guess, weight = binary(kind)
    w = weight if weighted else np.ones(len(y))
    outcomes = Outcomes(names(guess), names(y), w, ("1",), p[:, None])
    got = values(Summary.of(outcomes))
    confusion = metrics.confusion_matrix(y, guess, sample_weight=w)
    (tn, fp), (fn, tp) = confusion
    exact = {
        ("accuracy", None): metrics.accuracy_score(y, guess, sample_weight=w),
        ("precision", "binary"): metrics.precision_score(y, guess, sample_weight=w),
        ("recall", "binary"): metrics.recall_score(y, guess, sample_weight=w),
        ("f1", "binary"): metrics.f1_score(y, guess, sample_weight=w),
        ("false_positive_rate", "binary"): fp / (fp + tn),
        ("false_negative_rate", "binary"): fn / (fn + tp),
        ("positive_rate", "binary"): (tp + fp) / w.sum(),
        ("log_loss", None): metrics.log_loss(y, p, sample_weight=w),
        ("brier_score", None): metrics.brier_score_loss(y, p, sample_weight=w),
    }
    auc = metrics.roc_auc_score(y, p, sample_weight=w)
    fpr, tpr, _ = metrics.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    near = {
        ("roc_auc", "binary"): auc,
        ("gini", "binary"): 2 * auc - 1,
        ("pr_auc", "binary"): metrics.average_precision_score(y, p, sample_weight=w),
        ("score_ks", "binary"): np.abs(tpr - fpr).max(),
        ("calibration_error", "binary"): calibration_error(y, p, w)[0],
    }
    assert {*exact, *near} == {*got}
    assert exact == pytest.approx({key: got[key] for key in exact}, abs=1e-9)
    for key, expected in near.items():
        limit = {"roc_auc": 1e-4, "gini": 2e-4}.get(key[0], 1e-3)
        assert expected == pytest.approx(got[key], abs=limit), key


def calibration_error(y: Any, p: Any, w: Any) -> tuple[float, float]:
    """Ten equal masses of rows sorted by score, cut rows shared; ties in one mass each way."""
    order = np.argsort(p, kind="stable")
    y, p, w = y[order], p[order], w[order]
    _, inverse = np.unique(p, return_inverse=True)
    y = (np.bincount(inverse, w * y) / np.bincount(inverse, w))[inverse]  # ties are alike
    ends = np.cumsum(w)
    cuts = np.linspace(0, ends[-1], 11)
    gaps = []
    for low, high in itertools.pairwise(cuts):
        share = np.clip(np.minimum(ends, high) - np.maximum(ends - w, low), 0, None)
        gaps.append(abs(share @ y - share @ p) / share.sum())
    return float(np.mean(gaps)), float(np.max(gaps))


def test_the_calibration_curve_is_that_of_the_rows() -> None:
    y, p, guess, w = binary("calm")
    scores = Summary.of(Outcomes(names(guess), names(y), w, ("1",), p[:, None])).scores["1"]
    found = curve(scores)
    assert found is not None
    assert calibration_error(y, p, w)[1] == pytest.approx(found.worst, abs=1e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_classifier_of_many_classes_is_measured_as_scikit_learn_does(weighted: bool) -> None:
    x, y = datasets.load_digits(return_X_y=True)
    x = x + np.random.default_rng(3).normal(0, 6, x.shape)
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=300)
    ).fit(x[::2], y[::2])
    p, guess = model.predict_proba(x), model.predict(x)
    w = np.random.default_rng(4).integers(1, 4, len(y)).astype(float)
    w = w if weighted else np.ones(len(y))
    classes = tuple(str(c) for c in model.classes_)
    got = values(Summary.of(Outcomes(names(guess), names(y), w, classes, p)))
    expected: dict[tuple[str, str | None], float] = {
        ("accuracy", None): metrics.accuracy_score(y, guess, sample_weight=w),
        ("log_loss", None): metrics.log_loss(y, p, sample_weight=w),
        ("brier_score", None): metrics.brier_score_loss(
            y, p, sample_weight=w, labels=range(10), scale_by_half=False
        ),
        ("roc_auc", "macro"): metrics.roc_auc_score(
            y, p, sample_weight=w, multi_class="ovr", average="macro"
        ),
        ("pr_auc", "macro"): metrics.average_precision_score(
            np.eye(10)[y], p, sample_weight=w, average="macro"
        ),
    }
    scores: dict[str, Callable[..., Any]] = {
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "f1": metrics.f1_score,
    }
    for average in ("macro", "micro", "weighted"):
        for name, score in scores.items():
            expected[name, average] = score(y, guess, sample_weight=w, average=average)
    per_class = metrics.multilabel_confusion_matrix(y, guess, sample_weight=w)
    rates = per_class[:, 0, 1] / per_class[:, 0].sum(axis=1)
    expected["false_positive_rate", "macro"] = rates.mean()
    expected["false_negative_rate", "macro"] = 1 - expected["recall", "macro"]
    assert expected == pytest.approx({key: got[key] for key in expected}, abs=1e-9)


def test_a_class_that_divides_by_zero_takes_no_part() -> None:
    truth, guess = names("aabbcc"), names("aabbab")
    outcomes = Outcomes(guess, truth, np.ones(6))
    got = values(Summary.of(outcomes))
    for average in ("macro", "weighted"):
        expected = metrics.precision_score(
            truth.astype(str), guess.astype(str), average=average, zero_division=np.nan
        )
        assert expected == pytest.approx(got["precision", average])
    never = Outcomes(names("nnnn"), names("ynny"), np.ones(4), ("y",), np.full((4, 1), 0.1))
    assert values(Summary.of(never))["precision", "binary"] is None


@pytest.mark.parametrize("shift", [0.0, 1e9])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_regression_is_measured_as_scikit_learn_does(shift: float, weighted: bool) -> None:
    x, y = datasets.load_diabetes(return_X_y=True)
    guess = tree.DecisionTreeRegressor(max_depth=3, random_state=0).fit(x, y).predict(x) + shift
    y = y + shift
    w = np.random.default_rng(5).uniform(0.1, 3, len(y)) if weighted else np.ones(len(y))
    parts = [slice(0, 100), slice(100, 101), slice(101, None)]
    summary = Summary.empty()
    for part in parts:
        summary = summary.merge(
            Summary.of(
                Outcomes(guess[part], y[part], w[part], low=guess[part] - 50, high=guess[part] + 50)
            )
        )
    got = values(summary)
    mse = metrics.mean_squared_error(y, guess, sample_weight=w)
    error = np.average(guess - y, weights=w)
    expected = {
        "mae": metrics.mean_absolute_error(y, guess, sample_weight=w),
        "mse": mse,
        "rmse": math.sqrt(mse),
        "mape": metrics.mean_absolute_percentage_error(y, guess, sample_weight=w),
        "r2": metrics.r2_score(y, guess, sample_weight=w),
        "mean_error": error,
        "residual_variance": np.average((guess - y - error) ** 2, weights=w),
        "interval_coverage": np.average(np.abs(guess - y) <= 50, weights=w),
    }
    assert {(name, None) for name in expected} == {*got}
    for name, value in expected.items():
        assert value == pytest.approx(got[name, None], rel=1e-9), name
