"""sagemaker-inference's handlers under the hooks; its Java front end is not run."""

import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sagemaker_inference.default_handler_service import DefaultHandlerService
from sklearn.linear_model import LogisticRegression

from tests.hooks.conftest import Telemetry

HANDLER = """
import joblib, os
import numpy as np
from sagemaker_inference import decoder

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "churn.joblib"))

def input_fn(data, content_type):
    return np.asarray(decoder.decode(data, content_type))

def predict_fn(data, model):
    return model.predict(data)
"""
BARE = HANDLER.replace("model.predict(data)", "data[:, 0] * 1.5")


class Request:
    def get_request_properties(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Accept": "application/json"}


class Context:
    def __init__(self, directory: Path) -> None:
        self.system_properties = {"model_dir": str(directory)}
        self.request_processor = [Request()]
        self.status = 200

    def set_response_content_type(self, *_: Any) -> None: ...

    def set_response_status(self, code: int, phrase: str) -> None:
        self.status = code


def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    joblib.dump(LogisticRegression().fit(X, (X[:, 0] > 0).astype(int)), tmp_path / "churn.joblib")
    (tmp_path / "handler_under_test.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("handler_under_test", None)
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "handler_under_test.py")
    monkeypatch.setenv("SAGEMAKER_SUBMIT_DIRECTORY", str(tmp_path))
    context, service = Context(tmp_path), DefaultHandlerService()
    service.initialize(context)
    service.handle([{"body": b"[[1,2],[3,4]]"}], context)
    assert 200 == context.status


def test_a_request_of_a_known_model(
    telemetry: Telemetry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(tmp_path, monkeypatch, HANDLER)
    load, span = telemetry.spans()
    told = dict(span.attributes or {})
    assert "predict churn" == span.name
    assert ("sagemaker", "sklearn", 2) == (
        told["ml.system.name"],
        told["ml.framework.name"],
        told["ml.inference.batch.size"],
    )
    assert "load" == (load.attributes or {})["ml.operation.name"]
    assert 2 == telemetry.value("ml.feature.value", ml_feature_name="x1")


def test_a_request_that_no_hook_sees(
    telemetry: Telemetry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(tmp_path, monkeypatch, BARE)
    assert 2 == telemetry.value("ml.feature.value", ml_feature_name="x0")
    assert 2 == telemetry.value("ml.prediction.value")
