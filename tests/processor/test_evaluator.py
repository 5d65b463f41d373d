"""Windows of many models are judged in turns with requests, and none is lost or told twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from tests.processor.test_service import deliver, metrics

from otelml.data import Model, Window
from otelml.processor import service as services
from otelml.processor import turns
from otelml.processor.judged import Judged
from otelml.processor.service import Service
from otelml.processor.watch import Watch
from otelml.wire.proto import window_metrics

MODELS = 8
RULES = {"forward": False, "repeat": "1d", "windows": {"length": "1s", "lateness": "1s"}}
Start = Callable[..., Awaitable[Service]]
Stop = Callable[[Service], Awaitable[None]]
Make = Callable[..., Window]
Wait = Callable[..., Awaitable[None]]


async def send(service: Service, window: Window) -> None:
    """Send it as that of many models, in one request."""
    whole = MetricsData()
    for number in range(MODELS):
        model = Model(f"m{number}")
        sketches = {key._replace(model=model): one for key, one in window.sketches.items()}
        whole.MergeFrom(window_metrics(replace(window, model=model, sketches=sketches)))
    await deliver(service.ports["otlp/grpc"], whole.SerializeToString())


def told(sink: Any) -> Counter[str]:
    """How often each model's window was told of."""
    return Counter(
        a["ml.model.name"] for _, a, *_ in metrics(sink, "ml.monitor.window.sample.count")
    )


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What is called whenever a window was judged; then its turn is over."""
    called: list[Callable[[], None]] = []
    judge = Watch.judge

    def judged(*given: Any) -> Judged:
        one = judge(*given)
        for each in called:
            each()
        return one

    monkeypatch.setattr(Watch, "judge", judged)
    monkeypatch.setattr(turns, "_TURN", 0.0)
    return called


async def test_others_have_their_turns_between_windows(
    start: Start,
    sink: Any,
    make_window: Make,
    eventually: Wait,
    judging: list[Callable[[], None]],
) -> None:
    """Or else nothing is answered, not even a probe of health, before the last is judged."""
    service = await start(**RULES)
    order: list[str] = []

    def judged() -> None:
        order.append("judged")
        asyncio.get_running_loop().call_soon(order.append, "other")

    judging.append(judged)
    await send(service, make_window(rows=10))
    await eventually(lambda: MODELS == len(told(sink)), 60)
    assert ["judged", "other"] * MODELS == order


async def test_a_stop_amid_windows_loses_none_and_tells_none_twice(
    start: Start,
    stop: Stop,
    sink: Any,
    make_window: Make,
    eventually: Wait,
    judging: list[Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "_LAST", 0.0)
    before = await start(**RULES)
    judging.append(before.stop)
    await send(before, make_window(rows=10))
    await eventually(before._stop.is_set, 60)
    await stop(before)
    left = MODELS - len(told(sink))
    judging.clear()
    after = await start(**RULES)
    await eventually(lambda: MODELS == len(told(sink)), 60)
    await stop(after)
    assert 0 < left < MODELS
    assert {f"m{number}": 1 for number in range(MODELS)} == told(sink)
