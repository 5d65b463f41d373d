"""The processor end to end: windows become findings, and nothing that happens loses one."""

import asyncio
import itertools
import json
import random
import signal
import socket
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import grpc
import httpx
import pytest
import yaml
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetricExporter,
)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from otelml.data import Baseline, Key, Model, Role, Window, segment
from otelml.processor import document
from otelml.processor import service as services
from otelml.processor.evaluator import Evaluator
from otelml.processor.pipeline import Pipeline
from otelml.processor.service import Service
from otelml.processor.signals import Signal
from otelml.sketch.count import Count
from otelml.wire import file
from otelml.wire.proto import window_metrics

SECOND = 1_000_000_000
Start = Callable[..., Awaitable[Service]]
Stop = Callable[[Service], Awaitable[None]]
Make = Callable[..., Window]
Wait = Callable[..., Awaitable[None]]


async def send(service: Service, window: Window, instance: str = "i-1") -> None:
    request = window_metrics(window)
    for name, value in (("service.name", "shop"), ("service.instance.id", instance)):
        pair = request.resource_metrics[0].resource.attributes.add(key=name)
        pair.value.string_value = value
    await deliver(service.ports["otlp/grpc"], request.SerializeToString())


async def deliver(port: int, body: bytes) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.unary_unary(Signal.METRICS.method, None, None)(body, timeout=20)


def metrics(sink: Any, name: str) -> Iterator[tuple[dict[str, str], dict[str, str], int, float]]:
    """Resource, attributes, time and value of every point of a metric that was received."""
    for body in sink.of(Signal.METRICS):
        yield from points(body, name)


def points(body: bytes, name: str) -> Iterator[tuple[dict[str, str], dict[str, str], int, float]]:
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        owner = {a.key: a.value.string_value for a in resource.resource.attributes}
        for metric in (m for s in resource.scope_metrics for m in s.metrics):
            if metric.name == name:
                data = getattr(metric, str(metric.WhichOneof("data")))
                for point in data.data_points:
                    attributes = {a.key: a.value.string_value for a in point.attributes}
                    value = getattr(point, str(point.WhichOneof("value")))
                    yield owner, attributes, point.time_unix_nano, value


def events(sink: Any) -> list[tuple[str, dict[str, Any]]]:
    return [
        (record.event_name, {a.key: a.value for a in record.attributes})
        for body in sink.of(Signal.LOGS)
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def keep(path: Path, window: Window) -> Baseline:
    """A window as a baseline, in a file."""
    baseline = file.baseline(window, source="test", created=time.time_ns())
    file.write(path, baseline)
    return baseline


async def test_drift_opens_and_resolves(
    start: Start, sink: Any, make_window: Make, tmp_path: Path, eventually: Wait
) -> None:
    baseline = keep(tmp_path / "fraud.json", make_window(rows=5000))
    service = await start(
        windows={"length": "1s", "lateness": "1s"}, baselines={"directory": str(tmp_path)}
    )
    for number, mean in enumerate((0, 0, 2, 2, 2, 0, 0, 0)):
        await send(service, make_window(mean, number=number, seed=number + 1))
    await eventually(lambda: any(name == "ml.drift.resolved" for name, _ in events(sink)))
    told = [
        (name, attributes["ml.feature.name"].string_value)
        for name, attributes in events(sink)
        if attributes.get("ml.drift.method") is not None
        and attributes["ml.drift.method"].string_value == "kolmogorov_smirnov"
    ]
    assert [("ml.drift.detected", "age"), ("ml.drift.resolved", "age")] == told
    _, first = events(sink)[0]
    assert baseline.id == first["ml.baseline.id"].string_value
    assert "2023-11-14T" in first["ml.window.start"].string_value
    states = {
        (attributes["ml.feature.name"], when // SECOND - 1_700_000_001): value
        for _, attributes, when, value in metrics(sink, "ml.drift.detected")
        if attributes["ml.drift.method"] == "kolmogorov_smirnov"
    }
    assert [0, 0, 0, 1, 1, 1, 0] == [states["age", number] for number in range(7)]
    assert {0} == {states["fee", number] for number in range(7)}
    owner, attributes, _, _ = next(metrics(sink, "ml.drift.score"))
    assert {"service.name": "shop"} == owner
    assert {
        "ml.model.name",
        "ml.role",
        "ml.feature.name",
        "ml.drift.type",
        "ml.drift.method",
    } == attributes.keys()
    for name in ("ml.drift.threshold", "ml.drift.p_value", "ml.drift.feature.ratio"):
        assert list(metrics(sink, name)), name


async def test_a_baseline_of_every_version_judges_each(
    start: Start, sink: Any, make_window: Make, tmp_path: Path, eventually: Wait
) -> None:
    keep(tmp_path / "fraud.json", make_window(rows=5000))
    service = await start(
        windows={"length": "1s", "lateness": "1s"},
        baselines={"directory": str(tmp_path)},
        alerts={"open_after": "1 of 1"},
    )
    await send(service, make_window(2, seed=1).of(Model("fraud", "7")))
    await eventually(lambda: events(sink))
    told = {(name, of["ml.model.version"].string_value) for name, of in events(sink)}
    assert {("ml.drift.detected", "7"), ("ml.data_quality.degraded", "7")} == told
    assert not any(b"missing_feature" in body for body in sink.of(Signal.LOGS))


def wide(make_window: Make, features: int, mean: float, number: int) -> Window:
    """A window of many features with long names: the findings of each take some 20 KiB."""
    few = make_window(mean, rows=200, number=number, seed=number)
    of = few.sketches[Key(few.model, Role.FEATURE, "age")]
    sketches = {key: sketch for key, sketch in few.sketches.items() if key.role is not Role.FEATURE}
    sketches |= {Key(few.model, Role.FEATURE, f"{n}{'x' * 320}"): of for n in range(features)}
    return replace(few, sketches=MappingProxyType(sketches))


@cache
def scored(body: bytes) -> list[tuple[int, str]]:
    """Time and feature of what was found by one method."""
    return [
        (when, of["ml.feature.name"])
        for _, of, when, _ in points(body, "ml.drift.score")
        if of["ml.drift.method"] == "kolmogorov_smirnov"
    ]


def scores(bodies: Iterable[bytes]) -> dict[int, Counter[str]]:
    """How often each feature was told, by time."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for when, feature in (each for body in bodies for each in scored(body)):
        found[when][feature] += 1
    return found


async def test_findings_beyond_what_grpc_takes_at_once_are_told(
    start: Start, sink: Any, make_window: Make, eventually: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    """Gauges, events, and gauges that are repeated, to a server of the default limit."""
    service = await start(
        forward=False,
        repeat="1s",
        windows={"length": "1s", "lateness": "1s"},
        baselines={"first_windows": 1},
        alerts={"open_after": "1 of 1", "resolve_after": 1},
    )
    windows = [wide(make_window, 400, mean, number) for number, mean in enumerate((0.0, 3.0))]
    for window in windows:
        await send(service, window)
    end = windows[-1].end

    def told() -> dict[int, Counter[str]]:
        return scores(sink.of(Signal.METRICS))

    def opened() -> Counter[tuple[str, str]]:
        return Counter(
            (name, attributes["ml.feature.name"].string_value)
            for name, attributes in events(sink)
            if "ml.drift.method" in attributes
            and attributes["ml.drift.method"].string_value == "kolmogorov_smirnov"
        )

    def repeated() -> bool:
        return any(len(found) == 400 for when, found in told().items() if when > end)

    def large(signal: Signal) -> bool:  # other methods' findings come in requests of their own
        return sum(map(len, sink.of(signal))) > 4 << 20

    await eventually(lambda: len(told()[end]) == 400 and len(opened()) == 400, 60)
    await eventually(lambda: repeated() and large(Signal.METRICS) and large(Signal.LOGS), 60)
    assert {1} == {*told()[end].values(), *opened().values()}
    assert "refused" not in caplog.text
    assert "does not take" not in caplog.text


async def test_without_a_baseline_it_says_so(
    start: Start,
    sink: Any,
    make_window: Make,
    tmp_path: Path,
    eventually: Wait,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    (tmp_path / "bad.json").write_text('{"otelml": {"format": 1}, "resourceMetrics": []}')
    service = await start(
        windows={"length": "1s", "lateness": "1s"}, baselines={"directory": str(tmp_path)}
    )
    assert "bad.json: id None is not that of its content" in caplog.text
    known = {
        key._replace(model=Model("other")): sketch for key, sketch in make_window().sketches.items()
    }
    other = replace(make_window(), model=Model("other"), sketches=MappingProxyType(known))
    keep(tmp_path / "b.json", other)
    await eventually(lambda: "b.json: baseline " in caplog.text)
    await send(service, make_window())
    await eventually(lambda: list(metrics(sink, "ml.monitor.window.sample.count")))
    assert "no_baseline: 1000 rows cannot be judged; there are baselines of other" in caplog.text
    assert [] == list(metrics(sink, "ml.drift.score"))
    await eventually(lambda: b"no_baseline" in b"".join(sink.of(Signal.METRICS)))
    keep(tmp_path / "bad.json", make_window(rows=5000))
    await eventually(lambda: "bad.json: baseline " in caplog.text)
    await send(service, make_window(number=60))
    await eventually(lambda: list(metrics(sink, "ml.drift.score")))


async def test_a_backend_that_does_not_answer_holds_up_no_window(
    start: Start, sink: Any, make_window: Make, eventually: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    slow = {"endpoint": f"127.0.0.1:{sink.port}", "tls": {"insecure": True}, "timeout": "30s"}
    rules = {"windows": {"length": "1s", "lateness": "1s"}, "repeat": "50ms", "forward": False}
    sink.delay = 20.0
    service = await start({"otlp_grpc": slow}, **rules)
    await asyncio.sleep(1.0)  # gauges are on their way
    await send(service, make_window())
    await eventually(lambda: "no_baseline" in caplog.text)
    sink.delay = 0.0


async def test_the_first_windows_make_a_baseline(
    start: Start, sink: Any, make_window: Make, eventually: Wait
) -> None:
    service = await start(
        windows={"length": "1s", "lateness": "1s"}, baselines={"first_windows": 3}
    )
    for number in range(3):
        await send(service, make_window(number=number, seed=number))
    for number in range(3, 6):
        await send(service, make_window(3, number=number, seed=number))
    await eventually(lambda: events(sink))
    rows = {value for *_, value in metrics(sink, "ml.baseline.sample.count")}
    assert {3000} == rows


async def test_health_tells_when_it_drains(start: Start, sink: Any) -> None:
    service = await start()
    url = f"http://127.0.0.1:{service.ports['health']}/"
    async with httpx.AsyncClient() as client:
        assert 200 == (await client.get(url)).status_code
        sink.delay = 1.0
        slow = asyncio.create_task(deliver(service.ports["otlp/grpc"], b""))
        await asyncio.sleep(0.3)
        service.stop()
        await asyncio.sleep(0.1)
        assert 503 == (await client.get(url)).status_code
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await deliver(service.ports["otlp/grpc"], b"")
        assert grpc.StatusCode.UNAVAILABLE is late.value.code()
        await slow


@pytest.mark.parametrize("kind", ["grpc", "http"])
async def test_the_sdks_exporters_are_served(start: Start, sink: Any, kind: str) -> None:
    service = await start()
    if kind == "grpc":
        target = f"http://127.0.0.1:{service.ports['otlp/grpc']}"
        exporter: Any = GrpcMetricExporter(endpoint=target, insecure=True)
    else:
        target = f"http://127.0.0.1:{service.ports['otlp/http']}/v1/metrics"
        exporter = HttpMetricExporter(endpoint=target)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1e9)
    provider = MeterProvider([reader], resource=Resource.create({"service.name": "sdk"}))
    provider.get_meter("m").create_counter("orders").add(3)
    assert await asyncio.to_thread(provider.force_flush, 10_000)
    await asyncio.to_thread(provider.shutdown)
    assert {3} == {value for *_, value in metrics(sink, "orders")}


class Processor:
    """A processor in a process of its own."""

    def __init__(self, folder: Path, sink: Any, **options: Any) -> None:
        self.port = 0
        config = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}},
            "processors": {"otelml": options},
            "exporters": {
                "otlp_grpc": {"endpoint": f"127.0.0.1:{sink.port}", "tls": {"insecure": True}}
            },
            "extensions": {"storage": {"url": f"sqlite:///{folder / 'state.db'}"}},
            "service": {
                "pipelines": {
                    "metrics": {
                        "receivers": ["otlp"],
                        "processors": ["otelml"],
                        "exporters": ["otlp_grpc"],
                    }
                }
            },
        }
        self.path = folder / "config.yaml"
        self.path.write_text(yaml.safe_dump(config))
        self.process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        code = "from otelml.cli.serve import serve; serve()"
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, "--config", str(self.path), stderr=asyncio.subprocess.PIPE
        )
        assert self.process.stderr is not None
        told = ""
        while line := (await self.process.stderr.readline()).decode():
            told = line
            if "otlp/grpc on port " in line:
                self.port = int(line.rpartition("otlp/grpc on port ")[2].split(",")[0])
                return
        raise AssertionError(f"it did not start: {told}")

    async def end(self, how: signal.Signals) -> float:
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(how)
        await self.process.communicate()
        return time.monotonic() - began

    async def deliver(self, body: bytes) -> bool:
        try:
            await deliver(self.port, body)
        except grpc.aio.AioRpcError:
            return False
        return True


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_an_address_that_is_taken_is_told_with_what_to_do(
    sink: Any, tmp_path: Path, protocol: str
) -> None:
    processor = Processor(tmp_path, sink)
    config = yaml.safe_load(processor.path.read_text())
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        config["receivers"]["otlp"]["protocols"] = {protocol: {"endpoint": address}}
        processor.path.write_text(yaml.safe_dump(config))
        with pytest.raises(AssertionError, match=f"{address}.*: choose another address"):
            await processor.begin()
    assert processor.process is not None
    assert 2 == await processor.process.wait()


def calls(start: int, end: int, rows: int, model: Model) -> bytes:
    sketches = MappingProxyType({Key(model, Role.PREDICTIONS, "predict"): Count(rows)})
    return window_metrics(Window(model, start, end, sketches, rows)).SerializeToString()


async def test_kill_9_loses_no_window_and_counts_none_twice(
    sink: Any, tmp_path: Path, eventually: Wait
) -> None:
    chance = random.Random(7)
    model = Model("fraud")
    base = time.time_ns() // SECOND * SECOND - 3600 * SECOND
    processor = Processor(tmp_path, sink, windows={"length": "1s", "lateness": "30s"})
    await processor.begin()
    expected: Counter[int] = Counter()
    for number in range(400):
        rows = chance.randint(1, 9)
        end = base + number * SECOND // 5 + SECOND // 5
        expected[(end - 1) // SECOND * SECOND + SECOND] += rows
        body = calls(end - SECOND // 5, end, rows, model)
        pending = asyncio.create_task(processor.deliver(body))
        if number % 80 == 40:
            await asyncio.sleep(chance.random() * 0.004)
            await processor.end(signal.SIGKILL)
            await pending
            await processor.begin()
            pending = asyncio.create_task(processor.deliver(body))
        while not await pending:
            pending = asyncio.create_task(processor.deliver(body))
        if chance.random() < 0.2:
            assert await processor.deliver(body)
    assert await processor.deliver(calls(base + 500 * SECOND, base + 500 * SECOND + 1, 1, model))

    def found() -> dict[int, set[float]]:
        windows: dict[int, set[float]] = {}
        for _, _, when, value in metrics(sink, "ml.monitor.window.sample.count"):
            windows.setdefault(when, set()).add(value)
        return windows

    try:
        await eventually(lambda: len(found()) >= len(expected))
    finally:
        assert await processor.end(signal.SIGTERM) < 10
    assert {end: {rows} for end, rows in expected.items()} == found()


async def test_kill_9_loses_no_part_of_findings_and_tells_none_twice(
    sink: Any, tmp_path: Path, make_window: Make, eventually: Wait
) -> None:
    """But for the one that was under way."""
    chance = random.Random(7)
    rules = {"windows": {"length": "1s", "lateness": "1s"}, "baselines": {"first_windows": 1}}
    processor = Processor(tmp_path, sink, forward=False, **rules)
    await processor.begin()
    sink.delay = 0.1
    windows = [wide(make_window, 200, 0.0, number) for number in range(3)]
    for window in windows:
        assert await processor.deliver(window_metrics(window).SerializeToString())
        await asyncio.sleep(chance.random() * 2)
        await processor.end(signal.SIGKILL)
        await processor.begin()

    def told() -> list[Counter[str]]:
        found = scores({*sink.of(Signal.METRICS)})
        return [found[window.end] for window in windows[1:]]

    try:
        await eventually(lambda: all(len(found) == 200 for found in told()), 60)
    finally:
        assert await processor.end(signal.SIGTERM) < 10
    assert {1} == {count for found in told() for count in found.values()}
    received = sink.of(Signal.METRICS)
    assert len(received) - len({*received}) <= len(windows)
    assert sum(b"x" * 320 in body for body in {*received}) >= 2 * len(windows[1:])


async def test_sigterm_under_load_drains_within_ten_seconds(sink: Any, tmp_path: Path) -> None:
    processor = Processor(tmp_path, sink, windows={"length": "1s", "lateness": "1h"})
    await processor.begin()
    base = time.time_ns() - 3600 * SECOND
    acknowledged = 0
    stopped = asyncio.Event()

    async def load(number: int) -> None:
        nonlocal acknowledged
        model = Model(f"m{number}")
        for step in range(100_000):
            if stopped.is_set():
                return
            body = calls(base + step * 1000, base + step * 1000 + 1000, 1, model)
            if not await processor.deliver(body):
                return
            acknowledged += 1

    loads = [asyncio.create_task(load(number)) for number in range(4)]
    await asyncio.sleep(1)
    took = await processor.end(signal.SIGTERM)
    stopped.set()
    await asyncio.gather(*loads)
    assert took < 10
    assert processor.process is not None
    assert 0 == processor.process.returncode
    await processor.begin()
    await processor.deliver(b"")
    await processor.end(signal.SIGTERM)
    forwarded = [body for body in sink.of(Signal.METRICS) if b"ml.inference.predictions" in body]
    assert acknowledged <= len(forwarded)
    kept = state(tmp_path)
    assert acknowledged <= kept <= len(forwarded)


def state(folder: Path) -> int:
    """Rows in the open windows that a processor left behind."""
    from otelml.store.journal import Journal

    journal = Journal(f"sqlite:///{folder / 'state.db'}")
    body, number = journal.state()
    assert [] == list(journal.entries(number))
    journal.close()
    assert body is not None
    total = 0
    for service in json.loads(body)["services"]:
        for _, _, _, series in service[-1]["windows"]["open"]:
            for one in series:
                total += sum(int(value) for _, _, value in one[-1]["sums"])
    return total


async def test_an_absurd_count_takes_no_other_window_with_it(
    start: Start, sink: Any, make_window: Make, eventually: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    service = await start(windows={"length": "1s", "lateness": "1s"})
    for name in ("absurd", "good"):
        whole = window_metrics(make_window())
        for metric in whole.resource_metrics[0].scope_metrics[0].metrics:
            for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                for attribute in point.attributes:
                    if attribute.key == "ml.model.name":
                        attribute.value.string_value = name
                if (name, metric.name) == ("absurd", "ml.inference.predictions"):
                    point.as_double = 1e19  # no integer of the protocol is as large
        await deliver(service.ports["otlp/grpc"], whole.SerializeToString())
    await eventually(lambda: list(metrics(sink, "ml.monitor.window.sample.count")))
    told = {a["ml.model.name"] for _, a, *_ in metrics(sink, "ml.monitor.window.sample.count")}
    assert {"good"} == told
    assert "a window of 'absurd' could not be told" in caplog.text


async def test_a_refused_request_counts_once_when_it_comes_again(
    start: Start, sink: Any, make_window: Make, eventually: Wait
) -> None:
    service = await start(windows={"length": "1s", "lateness": "1s"})
    sink.refuse = (grpc.StatusCode.UNAVAILABLE, "later", None)
    with pytest.raises(grpc.aio.AioRpcError):
        await send(service, make_window())
    sink.refuse = None
    for _ in range(3):
        await send(service, make_window())
    await eventually(lambda: list(metrics(sink, "ml.monitor.window.sample.count")))
    assert {1000} == {v for *_, v in metrics(sink, "ml.monitor.window.sample.count")}


async def test_findings_wait_for_a_dead_next_hop(
    start: Start, sink: Any, make_window: Make, eventually: Wait
) -> None:
    service = await start(forward=False, windows={"length": "1s", "lateness": "1s"})
    sink.refuse = (grpc.StatusCode.UNAVAILABLE, "later", None)
    await send(service, make_window())
    await asyncio.sleep(2)
    assert [] == sink.received
    sink.refuse = None
    await eventually(lambda: list(metrics(sink, "ml.monitor.window.sample.count")))


async def test_what_waited_while_it_was_down_is_not_late(
    start: Start,
    stop: Stop,
    make_window: Make,
    eventually: Wait,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Collector sends what it kept as soon as it can, of windows that a stop left open."""
    rules = {"forward": False, "windows": {"length": "1s", "lateness": "10m"}}
    before = await start(**rules)
    await send(before, make_window())
    await stop(before)
    hour, ticks = 3600 * SECOND, [0]
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() + hour)
    evaluate = Evaluator.evaluate

    async def counted(evaluator: Evaluator, now: int) -> None:
        await evaluate(evaluator, now)
        ticks[0] += 1

    monkeypatch.setattr(services, "time", clock)
    monkeypatch.setattr(Evaluator, "evaluate", counted)
    after = await start(**rules)
    await eventually(lambda: 0 < ticks[0], 60)
    await send(after, make_window(), instance="i-2")
    (watched,) = after._watch.services.values()
    assert 3 == watched.windows.series
    assert {} == after._watch.losses()


async def test_findings_for_an_exporter_that_was_taken_away_are_given_up(
    start: Start, stop: Stop, sink: Any, make_window: Make, caplog: pytest.LogCaptureFixture
) -> None:
    rules = {"forward": False, "windows": {"length": "1s", "lateness": "1s"}}
    there = {"endpoint": f"127.0.0.1:{sink.port}", "tls": {"insecure": True}}
    sink.refuse = (grpc.StatusCode.UNAVAILABLE, "later", None)
    before = await start({"otlp_grpc/old": there}, **rules)
    await send(before, make_window())
    await asyncio.sleep(2)
    await stop(before)
    after = await start({"otlp_grpc/new": there}, **rules)
    assert "'otlp_grpc/old' is configured no more: 2 findings for it are lost" in caplog.text
    assert 2 == after._watch.losses()["outbox"]


async def test_gauges_are_repeated(
    start: Start, sink: Any, make_window: Make, eventually: Wait
) -> None:
    service = await start(windows={"length": "1s", "lateness": "1s"}, repeat="500ms")
    window = make_window()
    await send(service, window)

    def points() -> list[Any]:
        return list(metrics(sink, "ml.monitor.window.sample.count"))

    await eventually(lambda: len(points()) >= 3)
    assert {1000} == {value for *_, value in points()}
    times = [when for _, _, when, _ in points()]
    assert window.end == times[0]
    assert times == sorted(set(times))


async def test_no_window_is_told_from_before_the_last_repetition(
    start: Start, sink: Any, make_window: Make, eventually: Wait
) -> None:
    """Prometheus's exporter of a Collector would drop it, and an OTLP backend refuse it."""
    service = await start(windows={"length": "1s", "lateness": "1s"}, repeat="500ms")

    def points() -> list[Any]:
        return list(metrics(sink, "ml.monitor.window.sample.count"))

    for rows in (1000, 1001, 1002):
        number = int(time.time()) - 1_700_000_001  # it has just ended
        await send(service, make_window(number=number, rows=rows))
        await eventually(lambda rows=rows: [v for *_, v in points()].count(rows) >= 2)
    times = [when // 1_000_000 for _, _, when, _ in points()]
    assert times == sorted(set(times))


async def test_gauges_are_repeated_after_a_restart(
    start: Start, stop: Stop, sink: Any, make_window: Make, eventually: Wait
) -> None:
    """The next window may be hours away, and what is open is not resolved."""
    rules = {
        "windows": {"length": "1s", "lateness": "2s"},
        "baselines": {"first_windows": 1},
        "alerts": {"open_after": "1 of 1"},
        "repeat": "500ms",
    }

    def told(name: str = "ml.drift.detected") -> list[tuple[int, float]]:
        return [
            (when // 1_000_000, value)
            for _, attributes, when, value in metrics(sink, name)
            if attributes.get("ml.feature.name", "age") == "age"
            and attributes.get("ml.drift.method", "psi") == "psi"
        ]

    before = await start(**rules)
    number = int(time.time()) - 1_700_000_001  # it has just ended
    await send(before, make_window(number=number - 1))
    await send(before, make_window(3, number=number))
    await eventually(lambda: len(told()) >= 3)
    assert 1 == told()[-1][1]
    await stop(before)
    seen = len(told())
    after = await start(**rules)
    await eventually(lambda: len(told()) >= seen + 2)
    assert {1} == {value for _, value in told()[seen:]}
    number = int(time.time()) - 1_700_000_001
    await send(after, make_window(number=number, rows=1001))
    await eventually(lambda: told("ml.monitor.window.sample.count")[-1][1] == 1001)
    times = [when for when, _ in told()]
    assert times == sorted(set(times))


async def test_who_waits_in_vain_when_it_stops_is_told_to_come_again(
    start: Start, stop: Stop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def receive(*_: Any) -> bytes:
        await asyncio.sleep(60)
        return b""

    monkeypatch.setattr(Pipeline, "receive", receive)
    service = await start()
    url = f"http://127.0.0.1:{service.ports['otlp/http']}/v1/logs"
    async with httpx.AsyncClient(timeout=20) as client:
        headers = {"content-type": "application/x-protobuf"}
        sent = asyncio.create_task(client.post(url, headers=headers))
        await asyncio.sleep(0.3)
        await stop(service)
        assert 503 == (await sent).status_code
    assert "ASGI" not in caplog.text


@pytest.mark.parametrize(
    ("code", "tries"),
    [(grpc.StatusCode.UNAVAILABLE, 1), (grpc.StatusCode.INVALID_ARGUMENT, 3)],
)
async def test_a_part_that_is_refused_for_good_costs_no_other(
    start: Start, sink: Any, caplog: pytest.LogCaptureFixture, code: grpc.StatusCode, tries: int
) -> None:
    """Who takes nothing now is asked again with the next gauges."""
    service = await start()
    sink.refuse = (code, "no", None)
    await service._sent_again("otlp_grpc", [b""] * 3)
    assert tries == caplog.text.count("otlp_grpc does not take gauges: no")


async def test_a_receiver_takes_the_signals_of_its_pipelines(
    sink: Any, tmp_path: Path, running: dict[Service, "asyncio.Task[None]"]
) -> None:
    protocols = {name: {"endpoint": "127.0.0.1:0"} for name in ("grpc", "http")}

    def way(receivers: list[str]) -> dict[str, list[str]]:
        return {"receivers": receivers, "exporters": ["otlp_grpc"]}

    whole = {
        "receivers": {name: {"protocols": protocols} for name in ("otlp/a", "otlp/b")},
        "exporters": {
            "otlp_grpc": {"endpoint": f"127.0.0.1:{sink.port}", "tls": {"insecure": True}}
        },
        "extensions": {"storage": {"url": f"sqlite:///{tmp_path / 'state.db'}"}},
        "service": {"pipelines": {"metrics": way(["otlp/a"]), "traces": way(["otlp/a", "otlp/b"])}},
    }
    service = Service(document.parse(yaml.safe_dump(whole), "test", {}))
    ready = asyncio.Event()
    running[service] = asyncio.create_task(service.run(lambda _: ready.set()))
    await asyncio.wait_for(ready.wait(), 20)
    taken = set()
    async with httpx.AsyncClient() as client:
        for receiver, signal in itertools.product("ab", Signal):
            url = f"http://127.0.0.1:{service.ports[f'otlp/{receiver}/http']}{signal.path}"
            answer = await client.post(url, headers={"content-type": "application/x-protobuf"})
            address = f"127.0.0.1:{service.ports[f'otlp/{receiver}/grpc']}"
            async with grpc.aio.insecure_channel(address) as channel:
                call = channel.unary_unary(signal.method, None, None)(b"", timeout=20)
                code = await call.code()
            told = answer.status_code, code
            assert told in ((200, grpc.StatusCode.OK), (404, grpc.StatusCode.UNIMPLEMENTED))
            if code is grpc.StatusCode.OK:
                taken.add((receiver, signal))
    assert {("a", Signal.METRICS), ("a", Signal.TRACES), ("b", Signal.TRACES)} == taken


async def test_services_have_windows_of_their_own(
    start: Start, sink: Any, make_window: Make, eventually: Wait
) -> None:
    service = await start(windows={"length": "1s", "lateness": "1s"})
    for instance in ("i-1", "i-2"):
        await send(service, replace(make_window(), start=1_700_000_000 * SECOND), instance)
    await eventually(lambda: list(metrics(sink, "ml.monitor.window.sample.count")))
    assert {2000} == {v for *_, v in metrics(sink, "ml.monitor.window.sample.count")}
    assert service_state(service).stat().st_mode & 0o077 == 0


def service_state(service: Service) -> Path:
    return Path(service._settings.extensions.storage.url.removeprefix("sqlite:///"))


async def test_drift_in_a_slice_is_told_of_that_slice(
    start: Start, sink: Any, make_window: Make, tmp_path: Path, eventually: Wait
) -> None:
    def sliced(south: float, rows: int, number: int) -> Window:
        parts = {"north": 0.0, "south": south}
        whole = make_window(rows=rows, number=number)
        sketches = dict(whole.sketches)
        for region, mean in parts.items():
            of = make_window(mean=mean, rows=rows, number=number, seed=number + len(region))
            for key, sketch in of.sketches.items():
                if key.role is Role.FEATURE:
                    sketches[key._replace(labels=segment("region", region))] = sketch
                    sketches[key._replace(labels=segment("device", region))] = sketch
        return replace(whole, sketches=MappingProxyType(sketches))

    keep(tmp_path / "m.json", sliced(0.0, 20_000, 0))
    service = await start(
        windows={"length": "1s", "lateness": "1s"},
        baselines={"directory": str(tmp_path)},
        segments={"columns": ["region"]},
    )
    for number in range(5):
        await send(service, sliced(1.0, 1000, number))

    def told() -> list[tuple[str, ...]]:
        return [
            (name, *(attributes[f"ml.segment.{part}"].string_value for part in ("name", "value")))
            for name, attributes in events(sink)
            if attributes["ml.drift.method"].string_value == "kolmogorov_smirnov"
        ]

    await eventually(told)
    assert [("ml.drift.detected", "region", "south")] == told()
    ratios = [v for _, a, _, v in metrics(sink, "ml.drift.feature.ratio")]
    assert {0.0} == set(ratios)  # of all rows, nothing drifted
