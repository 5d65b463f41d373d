"""scikit-learn beyond classifiers and regressors."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.data import Labels
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.recording.columns import features
from tests.hooks.conftest import Telemetry

X = np.random.default_rng(0).normal(size=(80, 3))
Y = (X[:, 0] > 0).astype(int)


def told(telemetry: Telemetry) -> dict[str, Any]:
    (span,) = telemetry.spans()
    return dict(span.attributes or {})


def test_what_only_transforms(telemetry: Telemetry) -> None:
    PCA(2).fit(X).transform(X)
    assert ("transform", "PCA") == (
        told(telemetry)["ml.operation.name"],
        told(telemetry)["ml.model.name"],
    )
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="x2")


def test_a_transformer_of_frames_gives_frames_and_counts_once(telemetry: Telemetry) -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    assert ["a", "b", "c"] == [*scaler.transform(frame).columns]
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="b")


def test_a_pipeline_of_transformers(telemetry: Telemetry) -> None:
    make_pipeline(StandardScaler(), PCA(2)).fit(X).transform(X)
    assert "Pipeline" == told(telemetry)["ml.model.name"]


def test_outliers(telemetry: Telemetry) -> None:
    model = IsolationForest(n_estimators=5).fit(X)
    assert [] == telemetry.spans()
    model.predict(X)
    model.score_samples(X)
    spans = telemetry.spans()
    assert {"anomaly_detection"} == {dict(s.attributes or {})["ml.task.type"] for s in spans}
    assert 80 == telemetry.value("ml.prediction.classes")
    assert 80 == telemetry.value("ml.prediction.value", ml_output_name="score_samples")


def test_clusters(telemetry: Telemetry) -> None:
    KMeans(3, n_init=1).fit(X).predict(X)
    assert "clustering" == told(telemetry)["ml.task.type"]
    assert 80 == telemetry.value("ml.prediction.classes")


def test_several_outputs(telemetry: Telemetry) -> None:
    RandomForestRegressor(3).fit(X, X[:, :2]).predict(X)
    assert 80 == telemetry.value("ml.prediction.value", ml_output_name="y1")
    model = RandomForestClassifier(3).fit(X, np.column_stack([Y, 1 - Y]))
    model.predict_proba(X)
    assert 80 == telemetry.value("ml.prediction.score", ml_output_name="y1")


def test_logarithms_of_probabilities(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    model.predict_log_proba(X)
    (point,) = telemetry.points("ml.prediction.score")
    assert model.predict_proba(X)[:, 1].sum() == pytest.approx(point.sum)


def test_uninstrumenting_keeps_what_others_wrapped() -> None:
    instrumentor = SklearnInstrumentor()
    instrumentor.instrument()

    class Late(StandardScaler):  # type: ignore[misc]
        """Its transform is wrapped by scikit-learn, around ours."""

        def transform(self, X: Any, copy: Any = None) -> Any:
            return super().transform(X, copy)

    instrumentor.uninstrument()
    late = Late().set_output(transform="pandas").fit(pd.DataFrame(X))
    assert isinstance(late.transform(pd.DataFrame(X)), pd.DataFrame)


def test_polars(telemetry: Telemetry) -> None:
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    RandomForestClassifier(3).fit(frame, Y).predict(frame)
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="b")
    mixed = pl.DataFrame({"job": ["clerk", None], "age": [3, 4]})
    age, job = features(mixed, None, frozenset(), 10)
    assert (("age",), ("clerk", None)) == tuple(
        c[2 if isinstance(c, Labels) else 1] for c in (age, job)
    )


def test_skops(telemetry: Telemetry, tmp_path: Path) -> None:
    skops.io.dump(LogisticRegression().fit(X, Y), tmp_path / "risk.skops")
    skops.io.load(tmp_path / "risk.skops", trusted=[]).predict(X)
    assert ["load risk", "predict risk"] == [span.name for span in telemetry.spans()]


def test_an_unsupported_version_is_told_once_and_left_bare(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hook = SklearnInstrumentor()
    hook.uninstrument()
    monkeypatch.setattr(SklearnInstrumentor, "supported", ">=99")
    with caplog.at_level(logging.WARNING, "otelml"):
        hook.instrument()
    LinearRegression().fit(X, Y).predict(X)
    (record,) = caplog.records
    assert "scikit-learn" in record.message
    assert ">=99" in record.message
    assert [] == telemetry.spans()
