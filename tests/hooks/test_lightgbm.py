"""LightGBM's own classes under the hooks."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(
    {"age": X[:, 0], "debt": X[:, 1], "job": pd.Categorical(np.where(Y, "clerk", "cook"))}
)


def trained(objective: str, target: np.ndarray, **more: int) -> lgb.Booster:
    return lgb.train({"objective": objective, "verbose": -1, **more}, lgb.Dataset(X, target), 3)


def test_a_booster_gives_features_classes_and_confidence(telemetry: Telemetry) -> None:
    booster = trained("binary", Y)
    assert [] == telemetry.spans()
    scores = booster.predict(X)
    (span,) = telemetry.spans()
    told = dict(span.attributes or {})
    assert ("predict Booster", "lightgbm") == (span.name, told["ml.system.name"])
    assert 120 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    (score,) = telemetry.points("ml.prediction.score")
    assert scores.sum() == pytest.approx(score.sum)
    assert 120 == telemetry.value("ml.prediction.classes")


def test_several_classes_and_regression(telemetry: Telemetry) -> None:
    trained("multiclass", np.arange(120) % 3, num_class=3).predict(X)
    assert 360 == telemetry.value("ml.prediction.score")
    trained("regression", X[:, 1]).predict(X)
    assert 120 == telemetry.value("ml.prediction.value")


def test_a_classifier_counts_once(telemetry: Telemetry) -> None:
    model = lgb.LGBMClassifier(n_estimators=3, verbose=-1).fit(FRAME, Y)
    model.predict(FRAME)
    (span,) = telemetry.spans()
    assert "lightgbm" == (span.attributes or {})["ml.framework.name"]
    (confidence,) = telemetry.points("ml.prediction.confidence")
    assert model.predict_proba(FRAME).max(axis=1).sum() == pytest.approx(confidence.sum)
    assert 240 == telemetry.value("ml.feature.categories", ml_feature_name="job")


@pytest.mark.parametrize("option", ["raw_score", "pred_leaf", "pred_contrib"])
def test_what_is_no_probability_is_not_counted_as_one(telemetry: Telemetry, option: str) -> None:
    trained("binary", Y).predict(X, **{option: True})
    assert 0 == telemetry.value("ml.prediction.confidence")


def test_a_loaded_booster_is_named_after_its_file(telemetry: Telemetry, tmp_path: Path) -> None:
    file = tmp_path / "churn.txt"
    trained("binary", Y).save_model(file)
    loaded = lgb.Booster(model_file=str(file))
    loaded.predict(X)
    assert ["load churn", "predict churn"] == [s.name for s in telemetry.spans()]
    assert "binary_classification" == (telemetry.spans()[1].attributes or {})["ml.task.type"]


@pytest.mark.parametrize("option", ["raw_score", "pred_leaf", "pred_contrib"])
def test_what_a_classifier_chooses_by_is_no_class(telemetry: Telemetry, option: str) -> None:
    model = lgb.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, Y)
    model.predict(X, **{option: True})
    margins = telemetry.value("ml.prediction.value", ml_output_name="margin")
    assert (len(X) if option == "raw_score" else 0) == margins
    assert [] == telemetry.points("ml.prediction.classes")
    assert len(X) == telemetry.value("ml.inference.predictions")
