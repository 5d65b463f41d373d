"""MLflow's models in a script and behind `mlflow models serve`."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier

from tests.hooks.conftest import Telemetry
from tests.hooks.serving import TRACE, serving
from tests.ports import free_port
from tests.sink import told

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(60, 3)), columns=["age", "income", "debt"])
Y = np.where(FRAME.age > 0, "yes", "no")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = RandomForestClassifier(4).fit(FRAME, Y)
    mlflow.sklearn.save_model(
        model,
        tmp_path / "churn",
        signature=infer_signature(FRAME, Y),
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )
    return tmp_path / "churn"


def test_a_model_counts_once_with_what_the_library_within_knows(
    telemetry: Telemetry, saved: Path
) -> None:
    model = mlflow.pyfunc.load_model(str(saved))
    model.predict(data=FRAME)
    *_, load, span = telemetry.spans()  # saving loads, too
    assert ("load churn", "predict churn") == (load.name, span.name)
    attributes = dict(span.attributes or {})
    assert ("mlflow", "sklearn", 60) == (
        attributes["ml.system.name"],
        attributes["ml.framework.name"],
        attributes["ml.inference.batch.size"],
    )
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="income")
    assert 60 == telemetry.value("ml.prediction.classes")
    assert 60 == telemetry.value("ml.prediction.confidence")
    assert 60 == telemetry.value("ml.inference.predictions")


def test_a_model_of_the_app_is_read_from_its_frames(telemetry: Telemetry, tmp_path: Path) -> None:
    class Doubled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input.age.to_numpy() * 2

    mlflow.pyfunc.save_model(tmp_path / "doubled", python_model=Doubled())
    mlflow.pyfunc.load_model(str(tmp_path / "doubled")).predict(FRAME)
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="age")
    assert 60 == telemetry.value("ml.prediction.value")


def test_the_scoring_server(saved: Path, tmp_path: Path) -> None:
    port = free_port()
    command = ["mlflow", "models", "serve", "-m", str(saved), "-p", str(port)]
    command += ["--env-manager", "local", "-w", "2"]
    with serving(command, tmp_path, "/ping", port=port, OTELML_MODEL_NAME="churn") as server:
        body = {"dataframe_split": {"columns": [*FRAME], "data": FRAME[:2].to_numpy().tolist()}}
        for _ in range(6):
            server.post("/invocations", body)
        server.stop()
        spans = [span for span in server.sink.spans() if span.name == "predict churn"]
        assert 6 == len(spans)
        assert {"mlflow"} == {told(span)["ml.system.name"] for span in spans}
        assert 12 == server.sink.total("ml.inference.predictions")
        assert 12 == server.sink.total("ml.feature.value", ml_feature_name="debt")
        assert 2 >= len(server.sink.instances()) >= 1
        parents = {span.trace_id.hex() for span in spans}
        assert parents <= {TRACE} or len(parents) == 6  # with an ASGI instrumentation, or without
