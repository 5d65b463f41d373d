"""XGBoost's own classes under the hooks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(
    {"age": X[:, 0], "debt": X[:, 1], "job": pd.Categorical(np.where(Y, "clerk", "cook"))}
)


def test_a_booster_gives_features_classes_and_confidence(telemetry: Telemetry) -> None:
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(X, label=Y), 3)
    scores = booster.predict(xgb.DMatrix(X))
    (span,) = telemetry.spans()
    assert "predict Booster" == span.name
    told = dict(span.attributes or {})
    assert ("xgboost", 60) == (told["ml.system.name"], told["ml.inference.batch.size"])
    assert "binary_classification" == told["ml.task.type"]
    assert 180 == telemetry.value("ml.feature.observations")
    (score,) = telemetry.points("ml.prediction.score")
    assert scores.sum() == pytest.approx(score.sum, rel=1e-5)
    assert 60 == telemetry.value("ml.prediction.classes")
    assert 60 == telemetry.value("ml.prediction.confidence")


def test_inplace_predict_reads_its_array(telemetry: Telemetry) -> None:
    booster = xgb.train({"objective": "reg:squarederror"}, xgb.DMatrix(X, label=X[:, 1]), 3)
    booster.inplace_predict(X)
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    assert 60 == telemetry.value("ml.prediction.value")


def test_categories_and_missing_values_of_a_matrix(telemetry: Telemetry) -> None:
    frame = FRAME.copy()
    frame.loc[:9, "age"] = np.nan
    matrix = xgb.DMatrix(frame, label=Y, enable_categorical=True)
    booster = xgb.train({"objective": "binary:logistic", "tree_method": "hist"}, matrix, 2)
    booster.predict(matrix)
    assert 60 == telemetry.value("ml.feature.categories", ml_feature_name="job")
    assert 10 == telemetry.value("ml.data_quality.violations", ml_feature_name="age")
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="debt")


def test_a_classifier_counts_once_and_tells_its_confidence(telemetry: Telemetry) -> None:
    model = xgb.XGBClassifier(n_estimators=3, enable_categorical=True).fit(FRAME, Y)
    assert [] == telemetry.spans()
    model.predict(FRAME)
    (span,) = telemetry.spans()
    assert "xgboost" == (span.attributes or {})["ml.framework.name"]
    assert 60 == telemetry.value("ml.inference.predictions")
    (confidence,) = telemetry.points("ml.prediction.confidence")
    expected = model.predict_proba(FRAME).max(axis=1).sum()
    assert expected == pytest.approx(confidence.sum, rel=1e-5)
    assert 120 == telemetry.value("ml.feature.categories", ml_feature_name="job")


def test_several_classes(telemetry: Telemetry) -> None:
    model = xgb.XGBClassifier(n_estimators=3).fit(X, np.arange(60) % 3)
    model.get_booster().predict(xgb.DMatrix(X))
    assert 180 == telemetry.value("ml.prediction.score")
    assert 60 == telemetry.value("ml.prediction.classes")


@pytest.mark.parametrize("option", ["pred_leaf", "pred_contribs"])
def test_what_is_no_prediction_is_not_counted_as_one(telemetry: Telemetry, option: str) -> None:
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(X, label=Y), 3)
    booster.predict(xgb.DMatrix(X), **{option: True})
    assert 0 == telemetry.value("ml.prediction.classes")


def test_a_loaded_booster_is_named_after_its_file(telemetry: Telemetry, tmp_path: Path) -> None:
    file = tmp_path / "churn.json"
    xgb.XGBClassifier(n_estimators=3).fit(X, Y).save_model(file)
    booster = xgb.Booster(model_file=str(file))
    booster.inplace_predict(X)
    assert ["load churn", "inplace_predict churn"] == [s.name for s in telemetry.spans()]
    assert 1 == telemetry.value("ml.model.load.duration", ml_model_name="churn")


def test_training_is_no_inference(telemetry: Telemetry) -> None:
    xgb.cv({"objective": "binary:logistic"}, xgb.DMatrix(X, label=Y), 2, nfold=2)
    assert [] == telemetry.spans()


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "inplace_predict"])
def test_several_labels_of_a_row(telemetry: Telemetry, method: str, labels: int) -> None:
    model = xgb.XGBClassifier(n_estimators=3).fit(X, (X[:, :labels] > 0).astype(int))
    scores = model.predict_proba(X)
    telemetry.exporter.clear()
    called = model if method != "inplace_predict" else model.get_booster()
    before = telemetry.value("ml.prediction.classes")
    getattr(called, method)(X)
    (span,) = telemetry.spans()
    assert "ml.task.type" not in (span.attributes or {})
    assert labels * 60 == telemetry.value("ml.prediction.classes") - before
    for i in range(labels):
        told = {"ml_model_name": type(called).__name__, "ml_output_name": f"y{i}"}
        positive = telemetry.value("ml.prediction.classes", ml_prediction_class="1", **told)
        times = 1 if called is not model else 2
        assert times * (scores[:, i] > 0.5).sum() == positive
        (score,) = (
            p
            for p in telemetry.points("ml.prediction.score")
            if told["ml_model_name"] == p.attributes["ml.model.name"]
            and told["ml_output_name"] == p.attributes["ml.output.name"]
        )
        assert times * scores[:, i].sum() == pytest.approx(score.sum, rel=1e-5)


def test_several_targets_of_a_booster(telemetry: Telemetry) -> None:
    booster = xgb.train({"objective": "reg:squarederror"}, xgb.DMatrix(X, label=X[:, :2]), 3)
    given = booster.inplace_predict(X)
    for i in range(2):
        assert 60 == telemetry.value("ml.prediction.value", ml_output_name=f"y{i}")
    sums = [
        p.value + p.attributes["ml.feature.pivot"] * 60
        for p in telemetry.points("ml.prediction.sum")
    ]
    assert sums == pytest.approx(given.sum(axis=0), rel=1e-5)


def test_a_hinge_gives_classes(telemetry: Telemetry) -> None:
    booster = xgb.train({"objective": "binary:hinge"}, xgb.DMatrix(X, label=Y), 3)
    ones = booster.predict(xgb.DMatrix(X)).sum()
    assert ones == telemetry.value("ml.prediction.classes", ml_prediction_class="1")


def test_margins_are_no_classes(telemetry: Telemetry) -> None:
    model = xgb.XGBClassifier(n_estimators=3).fit(X, Y)
    model.predict(X, output_margin=True)
    assert 60 == telemetry.value("ml.prediction.value", ml_output_name="margin")
    assert [] == telemetry.points("ml.prediction.classes")
    assert [] == telemetry.points("ml.data_quality.violations")
