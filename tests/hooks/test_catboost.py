"""CatBoost's classes under the hooks."""

from pathlib import Path
from typing import Any

import catboost as cb
import numpy as np
import pandas as pd
import pytest

from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = np.where(X[:, 0] > 0, "yes", "no")
FRAME = pd.DataFrame({"age": X[:, 0], "debt": X[:, 1], "job": np.where(X[:, 1] > 0, "a", "b")})


def classifier(data: Any = FRAME, **more: Any) -> cb.CatBoostClassifier:
    quiet = {"iterations": 3, "verbose": 0, "allow_writing_files": False}
    return cb.CatBoostClassifier(**quiet, **more).fit(data, Y)


def test_a_classifier_gives_features_and_classes(telemetry: Telemetry) -> None:
    model = classifier(cat_features=["job"])
    assert [] == telemetry.spans()
    model.predict(FRAME)
    (span,) = telemetry.spans()
    told = dict(span.attributes or {})
    assert ("predict CatBoostClassifier", "catboost") == (span.name, told["ml.system.name"])
    assert "binary_classification" == told["ml.task.type"]
    assert 60 == telemetry.value("ml.feature.categories", ml_feature_name="job")
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="debt")
    assert 60 == telemetry.value("ml.prediction.classes")


def test_probabilities_of_a_pool(telemetry: Telemetry) -> None:
    model = classifier(X)
    found = model.predict_proba(cb.Pool(X))
    (confidence,) = telemetry.points("ml.prediction.confidence")
    assert found.max(axis=1).sum() == pytest.approx(confidence.sum)
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="x1")
    model.predict(X, prediction_type="Probability")
    assert 120 == telemetry.value("ml.prediction.confidence")


def test_a_pool_that_does_not_tell_its_values_is_counted(telemetry: Telemetry) -> None:
    model = classifier(cat_features=["job"])
    model.predict(cb.Pool(FRAME, cat_features=["job"]))
    assert 60 == telemetry.value("ml.monitor.item.dropped", error_type="not_readable")
    assert 60 == telemetry.value("ml.prediction.classes")


def test_one_object_is_one_row(telemetry: Telemetry) -> None:
    model = classifier(cat_features=["job"])
    assert model.predict([0.1, 0.2, "a"]) in {"yes", "no"}
    assert 1 == telemetry.value("ml.inference.predictions")
    assert 1 == telemetry.value("ml.feature.categories", ml_feature_name="job")
    assert (telemetry.spans()[0].attributes or {})["ml.prediction.class"] in {"yes", "no"}


def test_a_regressor(telemetry: Telemetry) -> None:
    model = cb.CatBoostRegressor(iterations=3, verbose=0, allow_writing_files=False)
    model.fit(X, X[:, 0]).predict(X)
    assert 60 == telemetry.value("ml.prediction.value")


def test_a_loaded_model_is_named_after_its_file(telemetry: Telemetry, tmp_path: Path) -> None:
    classifier(X).save_model(str(tmp_path / "churn.cbm"))
    cb.CatBoostClassifier().load_model(str(tmp_path / "churn.cbm")).predict(X)
    assert ["load churn", "predict churn"] == [s.name for s in telemetry.spans()]
