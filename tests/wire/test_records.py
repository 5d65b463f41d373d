"""Predictions and labels through the SDK's own encoder and back."""

import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

import otelml
from otelml import names
from otelml.data import Model, Prediction, Truth
from otelml.wire import records
from otelml.wire.proto import Service
from otelml.wire.rows import columns

SERVICE = Service("shop", "web", "prod")
RESOURCE = Resource(
    {
        "service.name": "shop",
        "service.namespace": "web",
        "deployment.environment.name": "prod",
    }
)


def sent(*events: tuple[str, dict[str, Any]]) -> bytes:
    """What the SDK's OTLP exporter sends of these events."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    for name, attributes in events:
        record = LogRecord(timestamp=7, attributes=attributes, event_name=name)
        provider.get_logger("otelml").emit(record)
    return encode_logs(exporter.get_finished_logs()).SerializeToString()


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
not_whole = text.filter(lambda name: not name.endswith(".0"))
names_of_classes = st.lists(not_whole, max_size=4, unique=True)


@st.composite
def batches(draw: st.DrawFn) -> list[Prediction]:
    scored = draw(names_of_classes)
    return [
        Prediction(
            draw(text),
            draw(st.integers(1, 2**62)),
            draw(st.none() | not_whole),
            draw(st.none() | finite),
            tuple((name, draw(finite)) for name in scored),
            draw(st.none() | st.tuples(finite, finite).map(lambda ends: (min(ends), max(ends)))),
            draw(st.just(()) | st.tuples(st.tuples(st.just("region"), text))),
            f"{draw(st.integers(1, 2**128 - 1)):032x}",
            f"{draw(st.integers(1, 2**64 - 1)):016x}",
        )
        for _ in range(draw(st.integers(1, 5)))
    ]


@pytest.mark.parametrize("spelled", ["1", "1.0"])
def test_a_score_is_of_the_class_as_rows_spell_it(spelled: str) -> None:
    row = Prediction("a", 1, spelled, None, ((spelled, 0.7),), None, (), "", "0" * 16)
    body = sent((names.RECORDS_EVENT, columns(Model("m"), [row])))
    ((_, _, found),) = records.read(body, keep=False).predictions
    assert ("1", (("1", 0.7),)) == (found.label, found.scores)


@given(batches(), st.none() | text)
def test_rows_come_back_as_they_were(rows: list[Prediction], version: str | None) -> None:
    model = Model("fraud", version)
    found = records.read(sent((names.RECORDS_EVENT, columns(model, rows))), keep=False)
    assert [(SERVICE, model, row) for row in rows] == found.predictions
    assert not found.bad
    assert b"" == found.rest


def test_the_span_of_a_row_is_in_its_id() -> None:
    rows = [
        Prediction(f"00f067aa0ba902b7{i}", 5, "yes", span_id="00f067aa0ba902b7") for i in ("", ":1")
    ]
    attributes = columns(Model("fraud"), rows)
    assert names.RECORD_SPAN_IDS not in attributes
    found = records.read(sent((names.RECORDS_EVENT, attributes)), keep=False)
    assert rows == [row for *_, row in found.predictions]


def test_other_records_go_on_untouched() -> None:
    ours = names.RECORDS_EVENT, columns(Model("fraud"), [Prediction("a", 5, "1")])
    body = sent(ours, ("app.started", {"ok": True}))
    assert body == records.read(body, keep=True).rest
    rest = ExportLogsServiceRequest.FromString(records.read(body, keep=False).rest)
    kept = [r.event_name for s in rest.resource_logs[0].scope_logs for r in s.log_records]
    assert ["app.started"] == kept
    assert "shop" == rest.resource_logs[0].resource.attributes[0].value.string_value


@pytest.mark.parametrize(
    "spoilt",
    [
        {names.RECORD_IDS: []},
        {names.RECORD_IDS: ["a", "b"]},
        {names.RECORD_IDS: [""]},
        {names.RECORD_IDS: ["x" * 201]},
        {names.RECORD_TIMES: []},
        {names.RECORD_SCORED: ["a", "b"], names.RECORD_SCORES: [0.1]},
        {names.RECORD_IDS: "a"},
        {names.RECORD_TIMES: ["5"]},
        {names.RECORD_CLASSES: [True]},
        {names.MODEL_NAME: 5},
    ],
)
def test_a_bad_event_is_counted(spoilt: dict[str, Any]) -> None:
    good = columns(Model("fraud"), [Prediction("a", 5, "1")])
    found = records.read(
        sent((names.RECORDS_EVENT, good | spoilt), (names.RECORDS_EVENT, good)), keep=False
    )
    assert {names.RECORDS_EVENT: 1} == found.bad
    assert 1 == len(found.predictions)


def test_a_whole_number_is_a_number_and_null_is_nothing() -> None:
    """As exporters of other languages write them."""
    given = columns(Model("price"), [Prediction("a", 5, None, 1.5), Prediction("b", 5, None, 2.5)])
    body = sent((names.RECORDS_EVENT, given | {names.RECORD_VALUES: [3, None]}))
    assert [3.0, None] == [p.value for _, _, p in records.read(body, keep=False).predictions]
    truth = {names.INFERENCE_ID: "a", names.TRUTH_VALUE: 3, names.TRUTH_WEIGHT: 2}
    (told,) = records.read(sent((names.TRUTH_EVENT, truth)), keep=False).truths
    assert ("3", 3.0, 2.0) == (told.label, told.value, told.weight)


@pytest.mark.parametrize(
    "spoilt",
    [
        {names.ROW_INDEX: -1},
        {names.ROW_INDEX: "1"},
        {names.TRUTH_WEIGHT: "2"},
        {names.TRUTH_CLASS: ["yes"]},
        {names.INFERENCE_ID: 17},
        {names.MODEL_NAME: "m" * 201},
        {names.PREDICTION_CLASS: "no"},  # of no model
    ],
)
def test_a_bad_label_is_counted_whole(spoilt: dict[str, Any]) -> None:
    good = {names.INFERENCE_ID: "a", names.TRUTH_CLASS: "yes"}
    body = sent((names.TRUTH_EVENT, good | spoilt), (names.TRUTH_EVENT, good))
    found = records.read(body, keep=False)
    assert (1, 0) == (len(found.truths), len(found.predictions))
    assert {names.TRUTH_EVENT: 1} == found.bad


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemoryLogRecordExporter:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr("opentelemetry._logs.get_logger_provider", lambda: provider)
    monkeypatch.setattr("opentelemetry._logs._internal._LOGGER_PROVIDER", provider)
    return exporter


@pytest.mark.parametrize(
    ("value", "label", "number"),
    [("yes", "yes", None), (1, "1", 1.0), (2.5, "2.5", 2.5), (True, "True", 1.0)],
)
def test_a_label_arrives(
    exporter: InMemoryLogRecordExporter, value: Any, label: str, number: float | None
) -> None:
    otelml.label("order-17", value, row=3, weight=2, at=100.5)
    body = encode_logs(exporter.get_finished_logs()).SerializeToString()
    found = records.read(body, keep=False)
    assert [Truth("order-17:3", 100_500_000_000, label, number, 2.0)] == found.truths
    assert not found.predictions


def test_a_label_may_bring_its_prediction(exporter: InMemoryLogRecordExporter) -> None:
    with otelml.inference_id("order-18"):
        otelml.label(None, "yes", at=1, prediction="no", score=0.4, model="fraud", version="2")
    body = encode_logs(exporter.get_finished_logs()).SerializeToString()
    found = records.read(body, keep=False)
    assert [Truth("order-18", 10**9, "yes", model="fraud")] == found.truths
    expected = Prediction("order-18", 10**9, "no", None, (("", 0.4),), span_id="")
    ((service, model, prediction),) = found.predictions
    assert (SERVICE, Model("fraud", "2"), expected) == (service, model, prediction)


def test_a_prediction_of_no_model_takes_its_label_with_it() -> None:
    """What is counted as refused is not kept as well."""
    label = {names.INFERENCE_ID: "a", names.TRUTH_CLASS: "yes", names.PREDICTION_CLASS: "no"}
    found = records.read(sent((names.TRUTH_EVENT, label)), keep=False)
    assert ([], [], {names.TRUTH_EVENT: 1}) == (found.predictions, found.truths, found.bad)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"inference_id": "a", "value": math.nan}, "neither"),
        ({"inference_id": "a", "value": None}, "neither"),
        ({"inference_id": "a", "value": 1, "weight": -1}, "negative"),
        ({"inference_id": "a", "value": 1, "prediction": 1}, "model"),
        ({"inference_id": None, "value": 1}, "no span"),
    ],
)
def test_a_label_that_says_nothing_is_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        otelml.label(**arguments)


def test_text_that_is_not_utf8_costs_no_request() -> None:
    request = ExportLogsServiceRequest.FromString(
        sent(("ml.ground_truth.received", {"ml.inference.id": "a", "ml.ground_truth.class": "yes"}))
    )
    request.resource_logs[0].scope_logs[0].log_records.add().body.string_value = "a line"
    body = request.SerializeToString().replace(b"a line", b"a l\xefne").replace(b"shop", b"sh\xf6p")
    found = records.read(body, keep=False)
    assert [("a", "yes")] == [(truth.id, truth.label) for truth in found.truths]
    assert b"a l\xefne" in found.rest
    assert b"sh\xf6p" in found.rest
    assert b"ml.ground_truth" not in found.rest
