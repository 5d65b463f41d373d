"""ONNX Runtime's sessions under the hooks."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype("f4")
Y = (X[:, 0] > 0).astype(int)


def session(model: Any = None, **options: Any) -> Any:
    model = (model or LogisticRegression()).fit(X, Y)
    made = to_onnx(model, X[:1], options={id(model): options} if options else None)
    return ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_classifier(telemetry: Telemetry, zipmap: bool) -> None:
    onnx = session(zipmap=zipmap)
    result = onnx.run(None, {"X": X})
    load, span = telemetry.spans()
    assert "load ONNX(LogisticRegression)" == load.name
    assert "predict ONNX(LogisticRegression)" == span.name
    told = dict(span.attributes or {})
    assert ("onnxruntime", 60) == (told["ml.system.name"], told["ml.inference.batch.size"])
    assert 60 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    assert 60 == telemetry.value("ml.prediction.classes")
    (confidence,) = telemetry.points("ml.prediction.confidence")
    rows = result[1] if not zipmap else [list(row.values()) for row in result[1]]
    assert np.max(rows, axis=1).sum() == pytest.approx(confidence.sum, rel=1e-5)


def test_only_the_asked_outputs_are_read(telemetry: Telemetry) -> None:
    session().run(["output_label"], {"X": X})
    assert 60 == telemetry.value("ml.prediction.classes")
    assert 0 == telemetry.value("ml.prediction.confidence")


def test_a_regressor(telemetry: Telemetry) -> None:
    session(LinearRegression()).run(None, {"X": X})
    assert 60 == telemetry.value("ml.prediction.value")


def test_a_run_that_calls_back(telemetry: Telemetry) -> None:
    done = threading.Event()
    found: list[Any] = []

    def told(result: Any, user_data: Any, error: str) -> None:
        found.append((result, user_data, error))
        done.set()

    session().run_async(None, {"X": X}, told, "mine")
    assert done.wait(10)
    assert ("mine", "") == found[0][1:]
    assert 60 == telemetry.value("ml.prediction.classes")
    assert ["load", "predict"] == [s.name.split()[0] for s in telemetry.spans()]


def test_a_bound_run_has_its_latency_only(telemetry: Telemetry) -> None:
    onnx = session()
    binding = onnx.io_binding()
    binding.bind_cpu_input("X", X)
    binding.bind_output("output_label")
    onnx.run_with_iobinding(binding)
    assert 1 == telemetry.value("ml.inference.duration")
    assert 0 == telemetry.value("ml.feature.observations")


def test_a_session_is_named_after_its_file(telemetry: Telemetry, tmp_path: Path) -> None:
    file = tmp_path / "churn.onnx"
    file.write_bytes(to_onnx(LogisticRegression().fit(X, Y), X[:1]).SerializeToString())
    ort.InferenceSession(str(file)).run(None, {"X": X[:1]})
    assert ["load churn", "predict churn"] == [s.name for s in telemetry.spans()]


def test_a_failure_is_counted_and_raised(telemetry: Telemetry) -> None:
    onnx = session()
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        onnx.run(None, {"X": X.astype("f8")})
    assert 1 == telemetry.value("ml.inference.duration", error_type="InvalidArgument")
