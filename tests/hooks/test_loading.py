"""Loads: a span, a duration, a name, and one event that says what was loaded."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from opentelemetry import _logs as logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.hooks.conftest import Telemetry

FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["age", "debt"])
MODEL = LogisticRegression(C=0.5).fit(FRAME, (FRAME.age > 0).astype(int))


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Any:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(
        logs, "get_logger", lambda name, version=None: provider.get_logger(name, version)
    )
    return exporter


def loaded(events: Any) -> dict[str, Any]:
    for thread in threading.enumerate():
        if thread.name == "otelml-loaded":
            thread.join()
    (record,) = (one.log_record for one in events.get_finished_logs())
    assert "ml.model.loaded" == record.event_name
    return dict(record.attributes)


def test_an_event_says_what_was_loaded(telemetry: Telemetry, events: Any, tmp_path: Path) -> None:
    file = tmp_path / "churn.joblib"
    joblib.dump(MODEL, file)
    joblib.load(file)
    told = loaded(events)
    assert {
        "ml.model.name": "churn",
        "ml.model.class": "sklearn.linear_model._logistic.LogisticRegression",
        "ml.model.hyperparameter.C": "0.5",
        "ml.framework.name": "sklearn",
        "ml.task.type": "binary_classification",
        "ml.feature.names": ("age", "debt"),
        "ml.model.hash": hashlib.sha256(file.read_bytes()).hexdigest(),
    }.items() <= told.items()


def test_a_load_is_a_span_and_a_duration(telemetry: Telemetry, tmp_path: Path) -> None:
    joblib.dump(MODEL, tmp_path / "churn.joblib")
    joblib.load(tmp_path / "churn.joblib").predict(FRAME)
    assert ["load churn", "predict churn"] == [span.name for span in telemetry.spans()]
    assert 1 == telemetry.value("ml.model.load.duration", ml_model_name="churn")


def test_a_numbered_directory_is_a_version(telemetry: Telemetry, tmp_path: Path) -> None:
    (tmp_path / "churn").mkdir()
    joblib.dump(MODEL, tmp_path / "churn" / "7")
    joblib.load(tmp_path / "churn" / "7")
    (span,) = telemetry.spans()
    told = dict(span.attributes or {})
    assert ("churn", "7") == (told["ml.model.name"], told["ml.model.version"])


def test_a_failed_load_is_counted_and_raised(telemetry: Telemetry, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        joblib.load(tmp_path / "none.joblib")
    (span,) = telemetry.spans()
    assert ("load none", "FileNotFoundError") == (
        span.name,
        (span.attributes or {})["error.type"],
    )


def test_what_is_no_model_is_no_load(telemetry: Telemetry, tmp_path: Path) -> None:
    joblib.dump({"a": 1}, tmp_path / "data.joblib")
    assert {"a": 1} == joblib.load(tmp_path / "data.joblib")
    assert [] == telemetry.spans()


@pytest.mark.parametrize(
    "bundle",
    [{"scaler": StandardScaler(), "model": MODEL, "columns": ["age", "debt"]}, (MODEL, FRAME)],
    ids=["dict", "tuple"],
)
def test_a_model_in_a_bundle_is_named_after_the_file(
    telemetry: Telemetry, events: Any, tmp_path: Path, bundle: Any
) -> None:
    joblib.dump(bundle, tmp_path / "churn.joblib")
    got = joblib.load(tmp_path / "churn.joblib")
    assert "churn" == loaded(events)["ml.model.name"]
    (got["model"] if isinstance(got, dict) else got[0]).predict(FRAME)
    assert 60 == telemetry.value("ml.inference.predictions", ml_model_name="churn")


def test_several_models_in_a_file_keep_names_of_their_own(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    joblib.dump([MODEL, MODEL.__class__().fit(FRAME, FRAME.age > 0)], tmp_path / "both.joblib")
    joblib.load(tmp_path / "both.joblib")[0].predict(FRAME)
    assert 60 == telemetry.value("ml.inference.predictions", ml_model_name="LogisticRegression")


def test_hyperparameters_whose_text_fails_do_no_harm(
    telemetry: Telemetry, events: Any, tmp_path: Path
) -> None:
    joblib.dump(LogisticRegression(C=Silent()), tmp_path / "odd.joblib")
    joblib.load(tmp_path / "odd.joblib")
    assert "odd" == loaded(events)["ml.model.name"]


class Silent(float):
    """A number that cannot say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no")
