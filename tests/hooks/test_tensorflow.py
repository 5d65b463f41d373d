"""Loaded SavedModels under the hooks."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.saved_model import load as saved_model

from tests.hooks.conftest import Telemetry

BATCH = np.random.default_rng(0).normal(size=(6, 3)).astype("f4")


def test_a_signature_of_a_saved_model(telemetry: Telemetry, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.export(str(tmp_path / "churn" / "3"), verbose=False)
    loaded = saved_model.load(str(tmp_path / "churn" / "3"))
    serve = loaded.signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    result = serve(**{name: tf.constant(BATCH)})
    assert (6, 2) == next(iter(result.values())).shape
    load, span = telemetry.spans()
    assert ("load churn", "predict churn") == (load.name, span.name)
    told = dict(span.attributes or {})
    assert ("3", "tensorflow") == (told["ml.model.version"], told["ml.system.name"])
    assert 6 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    assert 6 == telemetry.value("ml.prediction.classes")
