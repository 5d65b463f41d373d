"""PyCaret's experiments under the hooks."""

import numpy as np
import pandas as pd
import pytest
from pycaret.classification import ClassificationExperiment

from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(80, 2)), columns=["age", "debt"])
FRAME["job"] = np.where(FRAME.debt > 0, "clerk", "cook")
FRAME["late"] = np.where(FRAME.age > 0, "yes", "no")


def test_a_prediction_counts_once_and_training_does_not(telemetry: Telemetry) -> None:
    experiment = ClassificationExperiment()
    experiment.setup(
        FRAME, target="late", verbose=False, html=False, session_id=1, n_jobs=1, system_log=False
    )
    model = experiment.finalize_model(experiment.create_model("lr", verbose=False))
    assert [] == telemetry.spans()
    rows = FRAME.drop(columns="late").head(30)
    found = experiment.predict_model(model, data=rows, verbose=False)
    (span,) = telemetry.spans()
    assert ("predict LogisticRegression", "pycaret") == (
        span.name,
        (span.attributes or {})["ml.system.name"],
    )
    assert 30 == telemetry.value("ml.feature.categories", ml_feature_name="job")
    assert 30 == telemetry.value("ml.prediction.classes")
    (confidence,) = telemetry.points("ml.prediction.confidence")
    assert found["prediction_score"].sum() == pytest.approx(confidence.sum)
