"""Triton's clients under the hooks; MLServer, which speaks their protocol, answers."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as tg
import tritonclient.grpc.aio as tga
import tritonclient.http as th
import tritonclient.http.aio as tha
from opentelemetry.trace import SpanKind
from tritonclient.utils import InferenceServerException

from tests.hooks.conftest import Telemetry
from tests.hooks.serving import Server, serving
from tests.hooks.test_mlserver import repository

X = np.array([[0.9, 1.0, 2.0]])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    root = tmp_path_factory.mktemp("repository")
    port = repository(root, 1)
    import json

    grpc = json.loads((root / "settings.json").read_text())["grpc_port"]
    with serving(["mlserver", "start", "."], root, "/v2/health/ready", port=port) as running:
        yield running, grpc
        running.stop()


def http(server: tuple[Server, int]) -> Any:
    given = th.InferInput("x", [1, 3], "FP64")
    given.set_data_from_numpy(X, binary_data=False)
    return f"127.0.0.1:{server[0].port}", given


def grpc(server: tuple[Server, int]) -> Any:
    given = tg.InferInput("x", [1, 3], "FP64")
    given.set_data_from_numpy(X)
    return f"127.0.0.1:{server[1]}", given


def checked(telemetry: Telemetry, port: int) -> None:
    (span,) = telemetry.spans()
    assert ("predict iris", SpanKind.CLIENT) == (span.name, span.kind)
    told = dict(span.attributes or {})
    assert ("nvidia.triton", "127.0.0.1", port) == (
        told["ml.system.name"],
        told["server.address"],
        told["server.port"],
    )
    assert 1 == telemetry.value("ml.client.inference.duration", ml_model_name="iris")
    assert 0 == telemetry.value("ml.inference.predictions")


def test_http(telemetry: Telemetry, server: Any) -> None:
    url, given = http(server)
    asked = th.InferRequestedOutput("predict", binary_data=False)
    th.InferenceServerClient(url).infer("iris", [given], outputs=[asked])
    checked(telemetry, server[0].port)


def test_http_begun(telemetry: Telemetry, server: Any) -> None:
    url, given = http(server)
    asked = th.InferRequestedOutput("predict", binary_data=False)
    th.InferenceServerClient(url).async_infer("iris", [given], outputs=[asked]).get_result()
    checked(telemetry, server[0].port)


def test_grpc(telemetry: Telemetry, server: Any) -> None:
    url, given = grpc(server)
    tg.InferenceServerClient(url).infer("iris", [given])
    checked(telemetry, server[1])


def test_grpc_called_back(telemetry: Telemetry, server: Any) -> None:
    url, given = grpc(server)
    done = threading.Event()
    tg.InferenceServerClient(url).async_infer("iris", [given], lambda result, error: done.set())
    assert done.wait(20)
    checked(telemetry, server[1])


def test_asyncio(telemetry: Telemetry, server: Any) -> None:
    async def ask() -> None:
        url, given = grpc(server)
        async with tga.InferenceServerClient(url) as client:
            await client.infer("iris", [given])

    asyncio.run(ask())
    checked(telemetry, server[1])


def test_http_asyncio(telemetry: Telemetry, server: Any) -> None:
    async def ask() -> None:
        url, given = http(server)
        asked = tha.InferRequestedOutput("predict", binary_data=False)
        async with tha.InferenceServerClient(url) as client:
            json = {"Content-Type": "application/json"}
            await client.infer("iris", [given], outputs=[asked], headers=json)

    asyncio.run(ask())
    checked(telemetry, server[0].port)


def test_a_refusal_is_counted_and_raised(telemetry: Telemetry, server: Any) -> None:
    url, given = grpc(server)
    with pytest.raises(InferenceServerException):
        tg.InferenceServerClient(url).infer("nobody", [given])
    failed = "InferenceServerException"
    assert 1 == telemetry.value("ml.client.inference.duration", error_type=failed)


def test_a_refusal_of_what_was_begun(telemetry: Telemetry, server: Any) -> None:
    url, given = http(server)
    begun = th.InferenceServerClient(url).async_infer("nobody", [given])
    with pytest.raises(InferenceServerException):
        begun.get_result()
    failed = "InferenceServerException"
    assert 1 == telemetry.value("ml.client.inference.duration", error_type=failed)
