"""Keras models under the hooks."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.saving import saving_api

from tests.hooks.conftest import Telemetry

BATCH = np.random.default_rng(0).normal(size=(6, 3)).astype("f4")


def network(width: int = 2, activation: str = "softmax") -> Any:
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(width, activation=activation)], name="churn"
    )


def test_predict_counts_once(telemetry: Telemetry) -> None:
    found = network().predict(BATCH, verbose=0)
    (span,) = telemetry.spans()
    told = dict(span.attributes or {})
    assert ("predict churn", "keras", 6) == (
        span.name,
        told["ml.system.name"],
        told["ml.inference.batch.size"],
    )
    assert 6 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    (confidence,) = telemetry.points("ml.prediction.confidence")
    assert found.max(axis=1).sum() == pytest.approx(confidence.sum, rel=1e-5)


def test_a_call_of_a_model(telemetry: Telemetry) -> None:
    network(1, "sigmoid")(BATCH)
    assert ["predict churn"] == [s.name for s in telemetry.spans()]
    assert 6 == telemetry.value("ml.prediction.classes")


def test_a_regression(telemetry: Telemetry) -> None:
    network(1, "linear").predict_on_batch(BATCH)
    assert 6 == telemetry.value("ml.prediction.value")


def test_training_and_building_are_no_inferences(telemetry: Telemetry) -> None:
    model = network()
    model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd")
    model.fit(BATCH, np.zeros(6), verbose=0)
    model.evaluate(BATCH, np.zeros(6), verbose=0)
    keras.Model(model.inputs, model(model.inputs[0]))
    assert [] == telemetry.spans()


def test_a_loaded_model_is_named_after_its_file(telemetry: Telemetry, tmp_path: Path) -> None:
    network().save(tmp_path / "risk.keras")
    saving_api.load_model(tmp_path / "risk.keras").predict(BATCH, verbose=0)
    assert ["load risk", "predict risk"] == [s.name for s in telemetry.spans()]
