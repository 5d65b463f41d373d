"""Predicted rows leave as records, under the ids that labels will name."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import otelml
from otelml.data import Prediction
from otelml.hooks import _patch
from otelml.recording.settings import Settings
from otelml.recording.slices import Slices
from otelml.wire.records import read
from tests.hooks.conftest import Telemetry

X = np.random.default_rng(0).normal(size=(300, 3))
Y = np.where(X[:, 0] > 0, "yes", "no")


class Kept:
    """The records that left."""

    def __init__(self, telemetry: Telemetry, exporter: InMemoryLogRecordExporter) -> None:
        self.telemetry, self._exporter = telemetry, exporter

    def events(self) -> list[Any]:
        self.telemetry.reader.get_metrics_data()  # which drains
        return [log.log_record for log in self._exporter.get_finished_logs()]

    def rows(self) -> list[Prediction]:
        self.telemetry.reader.get_metrics_data()  # which drains
        logs = self._exporter.get_finished_logs()
        return [
            row for *_, row in read(encode_logs(logs).SerializeToString(), keep=False).predictions
        ]


@pytest.fixture
def kept(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> Kept:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr("opentelemetry._logs._internal._LOGGER_PROVIDER", provider)
    return Kept(telemetry, exporter)


def setting(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    shared = _patch.process()
    settings = Settings.read({f"OTELML_{name}": value for name, value in given.items()})
    monkeypatch.setattr(shared, "settings", settings)
    monkeypatch.setattr(shared.recorder, "settings", settings)
    monkeypatch.setattr(shared.recorder.rows, "_segments", settings.segment_columns)


def test_a_row_is_named_by_its_span(kept: Kept) -> None:
    model = LogisticRegression().fit(X, Y)
    for i in range(3):
        model.predict(X[i : i + 1])
    spans = [s for s in kept.telemetry.spans() if s.name.startswith("predict")]
    expected = [
        (f"{s.context.span_id:016x}", f"{s.context.trace_id:032x}") for s in spans if s.context
    ]
    rows = kept.rows()
    assert expected == [(row.id, row.trace_id) for row in rows]
    assert [str(y) for y in model.predict(X[:3])] == [row.label for row in rows]
    assert all(row.time > 1_600_000_000 * 10**9 for row in rows)


def test_rows_of_a_batch_are_numbered_and_bring_scores(kept: Kept) -> None:
    model = LogisticRegression().fit(X, Y)
    with otelml.inference_id("order-17"):
        scores = model.predict_proba(X[:3])[:, 1]
    rows = kept.rows()
    assert ["order-17", "order-17:1", "order-17:2"] == [row.id for row in rows]
    assert [(("yes", s),) for s in scores] == [row.scores for row in rows]
    (span,) = (s for s in kept.telemetry.spans() if s.name.startswith("predict"))
    assert "order-17" == (span.attributes or {})["ml.inference.id"]


def test_an_id_a_row(kept: Kept) -> None:
    with otelml.inference_id(["a", "b"]):
        LinearRegression().fit(X, X[:, 0]).predict(X[:2])
    assert ["a", "b"] == [row.id for row in kept.rows()]
    assert all(row.label is None and row.value is not None for row in kept.rows())


def test_scores_of_every_class(kept: Kept) -> None:
    model = LogisticRegression().fit(X, np.arange(300) % 3)
    proba = model.predict_proba(X[:2])
    first, second = kept.rows()
    assert ("0", "1", "2") == tuple(name for name, _ in first.scores)
    assert proba.ravel().tolist() == [score for row in (first, second) for _, score in row.scores]


def test_ids_and_segments_of_columns(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    setting(monkeypatch, ID_COLUMN="order", SEGMENT_COLUMNS="region,age")
    frame = pd.DataFrame(
        {"order": ["o1", "o2"], "region": ["north", None], "age": [31.0, 7.5], "x": [0.1, 0.2]}
    )
    model = make_pipeline(make_column_transformer(("passthrough", ["x"])), LinearRegression())
    model.fit(frame, [0.0, 1.0])
    model.predict(frame)
    first, second = kept.rows()
    assert ("o1", {"region": "north", "age": "31"}) == (first.id, dict(first.segments))
    assert ("o2", {"age": "7.5"}) == (second.id, dict(second.segments))
    assert 0 == kept.telemetry.value("ml.feature.observations", ml_feature_name="order")


def test_ids_do_not_clash_within_a_request_without_spans(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting(monkeypatch, SPANS="false")
    model = LogisticRegression().fit(X, Y)
    with kept.telemetry.tracer.start_as_current_span("GET") as span:
        model.predict(X[:1])
        model.predict(X[1:2])
    first, second = kept.rows()
    assert first.id != second.id
    assert {f"{span.get_span_context().trace_id:032x}"} == {first.trace_id, second.trace_id}


def test_intervals_that_the_app_says(kept: Kept) -> None:
    with otelml.inference("price", features=X[:2], task="regression") as call:
        call.prediction, call.interval = [1.0, 2.0], ([0.5, 1.5], [1.5, 2.5])
    otelml.record("price", prediction=[3.0], interval=(2.0, 5.0))
    assert [(0.5, 1.5), (1.5, 2.5), (2.0, 5.0)] == [row.interval for row in kept.rows()]


def test_features_of_a_sample_on_demand(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"age": [31.0, np.nan], "job": ["cook", "clerk"]})
    model = make_pipeline(make_column_transformer(("passthrough", ["age"])), DummyRegressor())
    model.fit(frame, [0.0, 1.0]).predict(frame)
    assert not [e for e in kept.events() if e.event_name == "ml.inference.details"]
    monkeypatch.setattr(_patch.process().recorder.rows, "_inputs", 1.0)
    with otelml.inference_id(["a", "b"]):
        model.predict(frame)
    told = [dict(e.attributes or {}) for e in kept.events() if "details" in (e.event_name or "")]
    inputs = [{k: v for k, v in one.items() if k.startswith("ml.inference.input.")} for one in told]
    assert ["a", "b"] == [one["ml.inference.id"] for one in told]
    assert [
        {"ml.inference.input.age": 31.0, "ml.inference.input.job": "cook"},
        {"ml.inference.input.job": "clerk"},
    ] == inputs


def test_rows_that_cannot_be_told_apart_cost_no_metrics(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otelml.recording.rows._Table", None)
    LogisticRegression().fit(X, Y).predict(X)
    assert not kept.rows()
    assert 300 == kept.telemetry.value("ml.inference.predictions")


def test_what_failed_leaves_no_record(kept: Kept) -> None:
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(ValueError, match="features"):
        model.predict(X[:1, :2])
    assert not kept.rows()


def test_records_can_be_turned_off(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    setting(monkeypatch, RECORDS="false")
    LogisticRegression().fit(X, Y).predict(X)
    assert not kept.rows()


def test_a_sample_of_a_huge_batch_keeps_its_row_numbers(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_patch.process().recorder.buffer, "most", 50)
    model = LinearRegression().fit(X, X[:, 0])
    with otelml.inference_id("big"):
        values: Any = model.predict(X)
    rows = kept.rows()
    assert 0 < len(rows) <= 50
    for row in rows:
        number = int(row.id.partition(":")[2] or 0)
        assert values[number] == row.value


def test_slices_are_cut_by_a_column_of_the_input(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_patch.process().recorder, "_slices", Slices(frozenset({"region"})))
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(region=np.where(X[:, 1] > 0, "n", "s"))
    encoded = make_column_transformer((OneHotEncoder(), ["region"]), remainder="passthrough")
    model = make_pipeline(encoded, LogisticRegression()).fit(frame, Y)
    model.predict_proba(frame)
    for row in range(10):
        model.predict_proba(frame.iloc[row : row + 1])
    seen = Counter(frame.region) + Counter(frame.region[:10])
    whole, parts = 0, Counter[str]()
    for point in telemetry.points("ml.prediction.score"):
        region = point.attributes.get("ml.segment.value")
        if region is None:
            whole += point.count
        else:
            parts[region] += point.count
    assert (310, seen) == (whole, parts)
