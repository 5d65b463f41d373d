"""Predictions by OTLP and labels by HTTP, through a real processor, to their join."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from sklearn.metrics import roc_auc_score
from tests.processor.test_service import SECOND, events, metrics, send, service_state
from tests.wire.test_records import sent

from otelml import names
from otelml.data import Key, Model, Outcomes, Prediction, Role, Truth, Window
from otelml.monitor.performance.summary import Summary
from otelml.processor import truths
from otelml.processor.labels import Refused
from otelml.processor.service import Service
from otelml.processor.signals import Signal
from otelml.processor.tally import Tally
from otelml.processor.webhook import signature
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.probability import Probability
from otelml.store.database import Database
from otelml.store.joins import Joins
from otelml.wire import file
from otelml.wire.proto import Service as Anyone
from otelml.wire.rows import columns, text_of

Start = Callable[..., Awaitable[Service]]
ESTIMATE_ERROR = names.ESTIMATE_ERROR
NOW = 1_700_000_000_000_000_000


LONG = {"expire_after": "40000d"}


def records(count: int, model: str = "fraud", now: int = NOW) -> bytes:
    rows = [
        Prediction(f"order-{i}", now + i, "yes" if i % 2 else "no", None, (("yes", i / count),))
        for i in range(count)
    ]
    return sent((names.RECORDS_EVENT, columns(Model(model), rows)))


async def deliver(service: Service, body: bytes) -> Any:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.ports['otlp/grpc']}") as channel:
        export = channel.unary_unary(Signal.LOGS.method, None, ExportLogsServiceResponse.FromString)
        return await export(body, timeout=20)


async def post(service: Service, given: Any, **headers: str) -> httpx.Response:
    lines = isinstance(given, bytes)
    kind = "application/x-ndjson" if lines else "application/json"
    body = given if lines else json.dumps(given).encode()
    async with httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{service.ports['otlp/http']}/v1/labels"
        return await client.post(url, content=body, headers={"content-type": kind} | headers)


async def test_labels_meet_predictions(start: Start, sink: Any) -> None:
    service = await start()
    await deliver(service, records(4))
    answer = await post(
        service,
        [
            {"id": "order-1", "label": "yes"},
            {"id": "order-2", "label": "yes"},
            {"id": "order-2", "label": "yes"},
            {"id": "order-1", "label": "no", "time": "2030-01-01"},
            {"id": "unknown", "label": "no"},
            {"label": "no"},
        ],
    )
    assert 200 == answer.status_code
    told = answer.json()
    assert [{"index": 5, "reason": "id: Field required"}] == told.pop("refused")
    assert {"accepted": 5, "matched": 2, "waiting": 1, "duplicate": 1, "corrected": 1} == told
    assert not sink.of(Signal.LOGS)  # records are consumed


async def test_a_label_that_came_first_waits(start: Start) -> None:
    service = await start()
    assert 1 == (await post(service, {"id": "order-1", "label": "yes"})).json()["waiting"]
    await deliver(service, records(2))
    again = await post(service, {"id": "order-1", "label": "yes"})
    assert 1 == again.json()["duplicate"]


async def test_a_number_predicted_wants_a_number(start: Start) -> None:
    service = await start()
    await deliver(
        service,
        sent((names.RECORDS_EVENT, columns(Model("price"), [Prediction("a", NOW, None, 3.5)]))),
    )
    answer = await post(service, [{"id": "a", "label": "yes"}, {"id": "a", "label": 4}])
    assert 200 == answer.status_code
    ((refused,), matched) = answer.json()["refused"], answer.json()["matched"]
    assert (0, 1) == (refused["index"], matched)
    assert "number" in refused["reason"]
    assert 400 == (await post(service, {"id": "a", "label": "yes"})).status_code


async def test_a_label_is_a_class_of_the_baseline_however_that_spells_it(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'a.db'}")) as database:
        met = truths.Truths(Joins(database, 3600, 100, 60), lambda _: {"0", "1"})
        said = [Prediction(label, NOW, label) for label in ("True", "0")]
        await met.accept([(Anyone("shop"), Model("fraud"), one) for one in said], [])
        known = [Truth("True", NOW, *text_of(1)), Truth("0", NOW, *text_of(False))]
        taken = await met.accept([], [*known, Truth("True", NOW, *text_of(2))])
    assert [Refused(2, "label: '2' is no class of fraud")] == taken.refused
    assert {"matched": 2} == taken.states


async def test_models_of_one_id_are_told_apart(start: Start) -> None:
    service = await start(labels=LONG)
    await deliver(service, records(4, "fraud"))
    price = [Prediction("order-1", NOW, None, 3.5)]
    await deliver(service, sent((names.RECORDS_EVENT, columns(Model("price"), price))))
    fraud = {"id": "order-1", "label": "yes", "model": "fraud"}
    answer = (
        await post(service, [fraud, fraud | {"model": "price"}, fraud | {"model": "x"}])
    ).json()
    assert (2, 1, 1) == (answer["accepted"], answer["matched"], answer["waiting"])
    ((refused),) = answer["refused"]
    assert (1, True) == (refused["index"], "price predicts one" in refused["reason"])
    truth = {names.INFERENCE_ID: "order-1", names.TRUTH_VALUE: 4.0, names.MODEL_NAME: "price"}
    await deliver(service, sent((names.TRUTH_EVENT, truth)))
    owners = {owner.model: owner for owner in service._joins.owners()}
    told = {
        model: [*some.truth]
        for model, owner in owners.items()
        for some in service._joins.outcomes(owner, 0, 1 << 62)
    }
    assert {"fraud": ["yes"], "price": [4.0]} == told


async def test_labels_come_by_otlp_and_what_is_wrong_is_told(start: Start, sink: Any) -> None:
    service = await start(labels={"forward_records": True})
    good = {names.INFERENCE_ID: "order-1", names.TRUTH_CLASS: "yes"}
    body = sent((names.TRUTH_EVENT, good), (names.TRUTH_EVENT, {}), ("app.event", {}))
    answer = await deliver(service, body)
    assert 1 == answer.partial_success.rejected_log_records
    assert "ml.ground_truth.received 1" in answer.partial_success.error_message
    assert [body] == sink.of(Signal.LOGS)
    assert 1 == (await post(service, {"id": "order-1", "label": "yes"})).json()["duplicate"]


async def test_records_of_others_go_on(start: Start, sink: Any) -> None:
    service = await start()
    whole = ExportLogsServiceRequest.FromString(records(1))
    whole.MergeFrom(ExportLogsServiceRequest.FromString(sent(("app.event", {"a": 1}))))
    await deliver(service, whole.SerializeToString())
    (body,) = sink.of(Signal.LOGS)
    rest = ExportLogsServiceRequest.FromString(body)
    (resource,) = rest.resource_logs
    assert "app.event" == resource.scope_logs[0].log_records[0].event_name


async def test_what_cannot_be_kept_is_not_forwarded_again_and_again(
    start: Start, sink: Any
) -> None:
    service = await start()
    whole = ExportLogsServiceRequest.FromString(records(1))
    whole.MergeFrom(ExportLogsServiceRequest.FromString(sent(("app.event", {"a": 1}))))
    with closing(sqlite3.connect(service_state(service))) as other, other:
        refuse = "BEGIN SELECT RAISE(ABORT, 'full'); END"
        other.execute(f"CREATE TRIGGER full BEFORE INSERT ON predictions {refuse}")
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError, match="full"):
            await deliver(service, whole.SerializeToString())
    with closing(sqlite3.connect(service_state(service))) as other, other:
        other.execute("DROP TRIGGER full")
    await deliver(service, whole.SerializeToString())
    assert 1 == len(sink.of(Signal.LOGS))


async def test_a_token_is_asked_for(start: Start) -> None:
    service = await start(labels={"token": "s3cret"})
    label = {"id": "order-1", "label": "yes"}
    for wrong in ({}, {"authorization": "Bearer no"}, {"authorization": "Basic s3cret"}):
        answer = await post(service, label, **wrong)
        assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"])
    assert 200 == (await post(service, label, authorization="Bearer s3cret")).status_code


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 2_000_000, "application/json", 413),
    ],
)
async def test_what_cannot_be_read_is_refused(
    start: Start, content: bytes, kind: str, status: int
) -> None:
    service = await start()
    answer = await post(service, content, **{"content-type": kind})
    assert status == answer.status_code
    assert answer.json()["error"]


async def test_what_was_acknowledged_is_there_after_a_restart(start: Start, stop: Any) -> None:
    service = await start(labels=LONG)
    await deliver(service, records(4))
    await stop(service)
    again = await start(labels=LONG)
    answer = await post(again, [{"id": f"order-{i}", "label": "no"} for i in range(4)])
    assert 4 == answer.json()["matched"]


async def test_performance_falls_and_recovers(
    start: Start, sink: Any, tmp_path: Path, eventually: Any, make_window: Any
) -> None:
    """Windows of a second: the model is right, then wrong, then right; labels come in between."""
    summary = Summary.of(outcomes([i % 10 > 0 for i in range(1000)]))
    baseline = file.baseline(
        make_window(), source="test", created=NOW, outcomes=json.loads(json.dumps(summary.dump()))
    )
    file.write(tmp_path / "fraud.json", baseline)
    service = await start(
        baselines={"directory": str(tmp_path)},
        labels=LONG,
        performance={"window": "1s", "every": "10ms", "min_samples": 100},
        alerts={"open_after": "1 of 1", "resolve_after": 1},
    )
    for window, right in enumerate((0.9, 0.5, 0.9)):
        rows = [
            Prediction(f"{window}-{i}", NOW + window * SECOND + i, "yes", None, (("yes", 0.9),))
            for i in range(400)
        ]
        await deliver(service, sent((names.RECORDS_EVENT, columns(Model("fraud"), rows))))
        labels = [
            {"id": f"{window}-{i}", "label": "yes" if (i % 10) < right * 10 else "no"}
            for i in range(300)
        ]
        assert 300 == (await post(service, labels)).json()["matched"]
        await eventually(lambda n=window + 1: n <= len(seen(sink, "ml.performance.accuracy")))
    accuracies = seen(sink, "ml.performance.accuracy")
    assert [0.9, 0.5, 0.9] == [value for _, value in accuracies]
    assert "ground_truth" == accuracies[0][0]["ml.performance.source"]
    confusion = {
        (a["ml.ground_truth.class"], a["ml.prediction.class"]): v
        for a, v in seen(sink, "ml.performance.confusion.count")
    }
    assert {("yes", "yes"): 270.0, ("no", "yes"): 30.0} == confusion  # the last window's
    assert 0.75 == seen(sink, "ml.ground_truth.ratio")[0][1]
    curve = {
        a["ml.performance.calibration.bin"]: v
        for a, v in seen(sink, "ml.performance.calibration.frequency")
    }
    assert curve  # of scores that are all alike, each tenth is as often right
    assert all(abs(share - 0.9) < 0.01 for share in curve.values())
    await eventually(lambda: "ml.performance.restored" in [name for name, _ in events(sink)])
    told = [
        (name, attributes["ml.performance.value"].double_value)
        for name, attributes in events(sink)
        if "ml.performance.metric.name" in attributes
        and attributes["ml.performance.metric.name"].string_value == "accuracy"
    ]
    assert [("ml.performance.degraded", 0.5), ("ml.performance.restored", 0.9)] == told
    concept = {
        attributes["ml.drift.method"].string_value
        for name, attributes in events(sink)
        if name == "ml.drift.detected" and attributes["ml.drift.type"].string_value == "concept"
    }
    assert "page_hinkley" in concept
    errors = {a["ml.performance.metric.name"]: v for a, v in seen(sink, ESTIMATE_ERROR)}
    assert abs(errors["accuracy"]) < 0.01  # of the last window, which is as the baseline


async def test_labels_without_a_prediction_expire(start: Start, sink: Any, eventually: Any) -> None:
    service = await start(labels={"expire_after": "1s"}, repeat="100ms")
    await deliver(service, records(4, now=soon()))
    labels = [{"id": "order-1", "label": "yes"}, {"id": "nobody", "label": "yes"}]
    assert 1 == (await post(service, labels)).json()["waiting"]
    name = "ml.ground_truth.labels"
    await eventually(lambda: ({"ml.ground_truth.state": "expired"}, 1) in seen(sink, name))
    assert 1 == (await post(service, labels)).json()["waiting"]  # it is not known any more


async def test_predictions_that_wait_are_counted_by_service_and_model(
    start: Start, sink: Any, eventually: Any
) -> None:
    service = await start(labels={"expire_after": "1s"}, repeat="100ms")
    for model in ("fraud", "shadow"):
        await deliver(service, records(4, model, soon()))
    shop = {
        "service.name": "shop",
        "service.namespace": "web",
        "deployment.environment.name": "prod",
    }

    def waiting() -> dict[str, float]:
        """The latest counts."""
        found = metrics(sink, "ml.ground_truth.pending.count")
        return {of["ml.model.name"]: value for who, of, _, value in found if who == shop}

    await eventually(lambda: {"fraud": 4, "shadow": 4} == waiting())
    await post(service, [{"id": "order-1", "label": "yes"}, {"id": "order-2", "label": "no"}])
    await eventually(lambda: {"fraud": 2, "shadow": 2} == waiting())


async def test_models_are_bounded(
    start: Start, sink: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truths, "_MOST_OWNERS", 2)
    service = await start(labels=LONG, repeat="100ms")
    for model in ("one", "two"):
        answer = await deliver(service, records(4, model))
        assert not answer.partial_success.error_message
    many = ExportLogsServiceRequest.FromString(records(4, "one"))
    for model in ("three", "three", "four"):
        many.MergeFrom(ExportLogsServiceRequest.FromString(records(3, model)))
    answer = await deliver(service, many.SerializeToString())
    assert 3 == answer.partial_success.rejected_log_records
    assert "model_limit 3" in answer.partial_success.error_message
    beside = {"id": "new", "label": "yes", "prediction": "no", "model": "five"}
    told = (await post(service, beside)).json()
    assert (1, {"model_limit": 1}) == (told["waiting"], told["dropped"])
    assert 4 == (await post(service, labels_of(4))).json()["matched"]  # of models that are known
    dropped = ({"error.type": "model_limit"}, 10)
    await eventually(lambda: dropped in seen(sink, "ml.monitor.item.dropped"))


async def test_a_name_too_long_for_an_index_is_left_out(start: Start) -> None:
    service = await start(labels=LONG)
    assert 1 == await rejected(service, records(4, "m" * 3000))
    assert 4 == (await post(service, labels_of(4))).json()["waiting"]


async def test_models_whose_predictions_expired_make_room(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truths, "_MOST_OWNERS", 1)
    service = await start(labels={"expire_after": "1s"})
    await deliver(service, records(4, "old"))
    async with asyncio.timeout(20):
        while await rejected(service, records(4, "new", soon())):  # noqa: ASYNC110 - it is another's state
            await asyncio.sleep(0.1)
    assert 1 == await rejected(service, records(4, "old"))


async def rejected(service: Service, body: bytes) -> int:
    count: int = (await deliver(service, body)).partial_success.rejected_log_records
    return count


def soon() -> int:
    """A time whose window is not over while a test runs."""
    return time.time_ns() + 3600 * SECOND


def labels_of(count: int) -> list[dict[str, str]]:
    return [{"id": f"order-{i}", "label": "yes"} for i in range(count)]


def outcomes(right: list[bool]) -> Outcomes:
    truth = np.array(["yes" if one else "no" for one in right], object)
    predicted = np.array(["yes"] * len(right), object)
    scores = np.full((len(right), 1), 0.9)
    return Outcomes(predicted, truth, np.ones(len(right)), ("yes",), scores)


def seen(sink: Any, name: str) -> list[tuple[dict[str, str], float]]:
    return [(attributes, value) for _, attributes, _, value in metrics(sink, name)]


async def test_slices_groups_and_challengers(start: Start, sink: Any, eventually: Any) -> None:
    """The challenger is right more often; one region is served worse than the other."""
    service = await start(
        labels=LONG,
        performance={"window": "1s", "every": "10ms", "min_samples": 100},
        segments={"columns": ["region", ["region", "tier"]]},
        fairness={"columns": ["region"]},
        shadows=[{"champion": "fraud", "challenger": "next"}],
    )
    for model, share in (("fraud", 10), ("next", 20)):
        rows = [
            prediction(i, wrong=i % share == 0 or (i % 2 > 0 and i % 3 == 0)) for i in range(600)
        ]
        await deliver(service, sent((names.RECORDS_EVENT, columns(Model(model), rows))))
    labels = [{"id": f"r-{i}", "label": truth(i)} for i in range(600)]
    assert 1200 == (await post(service, labels)).json()["matched"] * 2
    await eventually(lambda: len(seen(sink, "ml.shadow.comparison")) >= 3)

    def champion() -> dict[str, float]:
        return {
            attributes["ml.segment.value"]: value
            for attributes, value in seen(sink, "ml.performance.accuracy")
            if attributes["ml.model.name"] == "fraud" and "ml.segment.value" in attributes
        }

    await eventually(champion)  # its labels may have come after it was looked at
    slices = champion()
    assert {"north", "south", "north & a", "south & a"} == slices.keys()  # the others are small
    assert slices["south"] < slices["north"]
    gaps = {a["ml.fairness.metric.name"]: v for a, v in seen(sink, "ml.fairness.gap")}
    assert gaps["equal_opportunity"] > 0.1
    assert not any("south" in a.values() for a, _ in seen(sink, "ml.fairness.gap"))
    compared = {a["ml.shadow.metric.name"]: v for a, v in seen(sink, "ml.shadow.comparison")}
    assert compared["accuracy_difference"] > 0


async def test_a_model_that_says_classes_and_numbers_holds_up_no_other(
    start: Start, sink: Any, eventually: Any
) -> None:
    service = await start(
        labels=LONG, performance={"window": "1s", "every": "10ms", "min_samples": 100}
    )
    mixed = [
        Prediction(f"m-{i}", NOW + i, "yes" if i % 2 else None, None if i % 2 else 1.0)
        for i in range(400)
    ]
    await deliver(service, sent((names.RECORDS_EVENT, columns(Model("mixed"), mixed))))
    await post(service, [{"id": f"m-{i}", "label": 1} for i in range(400)])
    await deliver(service, records(400))
    await post(service, labels_of(400))
    await eventually(
        lambda: (
            {"mixed", "fraud"}
            <= {a["ml.model.name"] for a, _ in seen(sink, "ml.performance.sample.count")}
        )
    )


async def test_a_window_that_fails_holds_up_no_other(
    start: Start, sink: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Tally.add

    def add(self: Tally, outcomes: Outcomes) -> None:
        if outcomes.predicted[0] == "bad":
            raise ValueError("broken")
        whole(self, outcomes)

    monkeypatch.setattr(Tally, "add", add)
    service = await start(
        labels=LONG,
        repeat="100ms",
        performance={"window": "1s", "every": "10ms", "min_samples": 100},
    )
    bad = [Prediction(f"b-{i}", NOW + i, "bad") for i in range(200)]
    await deliver(service, sent((names.RECORDS_EVENT, columns(Model("bad"), bad))))
    await post(service, [{"id": f"b-{i}", "label": "bad"} for i in range(200)])
    await deliver(service, records(400))
    await post(service, labels_of(400))
    await eventually(lambda: bool(seen(sink, "ml.performance.accuracy")))
    await eventually(
        lambda: any(
            a.get("error.type") == "assess_error" for a, _ in seen(sink, "ml.monitor.item.dropped")
        )
    )


def truth(i: int) -> str:
    return "yes" if i % 4 < 2 else "no"


def prediction(i: int, *, wrong: bool) -> Prediction:
    label = ("no" if truth(i) == "yes" else "yes") if wrong else truth(i)
    segments = ("region", "south" if i % 2 else "north"), ("tier", "a" if i % 5 else "b")
    return Prediction(f"r-{i}", NOW + i, label, None, (), None, segments)


async def test_retraining_is_recommended_once_and_told(
    start: Start, sink: Any, eventually: Any
) -> None:
    told: list[tuple[dict[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        service = await start(
            labels=LONG,
            performance={"window": "1s", "every": "10ms", "min_samples": 100},
            alerts={"open_after": "1 of 1", "resolve_after": 1},
            retraining={
                "when": [{"checks": ["accuracy"], "below": 0.7, "windows": "2 of 2"}],
                "webhook": {"url": f"http://127.0.0.1:{hook.server_port}/hook", "secret": "s3"},
            },
        )
        for window, right in enumerate((9, 5, 5, 5, 9)):
            rows = [Prediction(f"{window}-{i}", NOW + window * SECOND, "yes") for i in range(200)]
            await deliver(service, sent((names.RECORDS_EVENT, columns(Model("fraud"), rows))))
            await post(
                service,
                [
                    {"id": f"{window}-{i}", "label": "yes" if i % 10 < right else "no"}
                    for i in range(200)
                ],
            )
            await eventually(lambda n=window + 1: n <= len(seen(sink, "ml.performance.accuracy")))
        await eventually(lambda: len(told) == 2)
        await eventually(lambda: "ml.retraining.resolved" in [name for name, _ in events(sink)])
    finally:
        hook.shutdown()
        hook.server_close()
    named = [json.loads(body) for _, body in told]
    assert ["ml.retraining.recommended", "ml.retraining.resolved"] == [n["event"] for n in named]
    assert ("fraud", "accuracy") == (named[0]["model"], named[0]["evidence"][0]["check"])
    headers, body = told[0]
    assert signature("s3", headers["x-otelml-timestamp"], body) == headers["x-otelml-signature"]
    assert "ml.retraining.recommended" in [name for name, _ in events(sink)]


async def test_performance_is_estimated_before_labels_come(
    start: Start, sink: Any, tmp_path: Path, eventually: Any
) -> None:
    """The window's scores are nearer to one half than the baseline's: worse is expected."""
    random = np.random.default_rng(0)
    for shrink, number in ((1.0, 0), (0.3, 1)):
        score = 1 / (1 + np.exp(-shrink * random.normal(0, 3, 4000)))
        right = random.random(4000) < score
        made = Window(
            Model("fraud"),
            NOW + number * SECOND,
            NOW + (number + 1) * SECOND,
            {
                Key(Model("fraud"), Role.SCORE): Probability.of(score),
                Key(Model("fraud"), Role.PREDICTION): Categories.of(
                    ["yes" if s > 0.5 else "no" for s in score]
                ),
                Key(Model("fraud"), Role.PREDICTIONS, "predict"): Count(4000),
            },
            4000,
        )
        if not number:
            truths = np.where(right, "yes", "no").astype(object)
            guessed = np.where(score > 0.5, "yes", "no").astype(object)
            whole = Outcomes(guessed, truths, np.ones(4000), ("yes",), score[:, None])
            state = json.loads(json.dumps(Summary.of(whole).dump()))
            baseline = file.baseline(made, source="test", created=NOW, outcomes=state)
            file.write(tmp_path / "fraud.json", baseline)
            service = await start(
                windows={"length": "1s", "lateness": "1s"}, baselines={"directory": str(tmp_path)}
            )
        else:
            await send(service, made)
    await eventually(lambda: bool(seen(sink, "ml.performance.roc_auc")))
    ((attributes, value),) = seen(sink, "ml.performance.roc_auc")
    assert "estimated" == attributes["ml.performance.source"]
    assert roc_auc_score(right, score) == pytest.approx(value, abs=0.03)
