"""A real processor in this process, and a real OTLP server behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import grpc
import numpy as np
import pytest
import yaml

from otelml.data import Key, Model, Role, Sketch, Window
from otelml.processor import document
from otelml.processor.service import Service
from otelml.processor.signals import Signal
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric

SECOND = 1_000_000_000


@dataclass
class Sink:
    """An OTLP/gRPC server that keeps what it gets; `refuse` says how it answers instead."""

    received: list[tuple[Signal, bytes]] = field(default_factory=list)
    refuse: tuple[grpc.StatusCode, str, bytes | None] | None = None
    answer: bytes = b""
    delay: float = 0.0
    port: int = 0

    def of(self, signal: Signal) -> list[bytes]:
        return [body for kind, body in self.received if kind is signal]


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    kept = Sink()
    server = grpc.aio.server()

    def handler(signal: Signal) -> Any:
        async def export(body: bytes, context: Any) -> bytes:
            await asyncio.sleep(kept.delay)
            if kept.refuse is not None:
                code, message, details = kept.refuse
                trailers = (("grpc-status-details-bin", details),) if details else ()
                await context.abort(code, message, trailers)
            kept.received.append((signal, body))
            return kept.answer

        return grpc.unary_unary_rpc_method_handler(export)

    for signal in Signal:
        handlers = grpc.method_handlers_generic_handler(signal.service, {"Export": handler(signal)})
        server.add_generic_rpc_handlers((handlers,))
    kept.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield kept
    await server.stop(0)


def settings(folder: Path, exporter: dict[str, Any], **processor: Any) -> dict[str, Any]:
    way = {"receivers": ["otlp"], "processors": ["otelml"], "exporters": list(exporter)}
    return {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": "127.0.0.1:0", "max_recv_msg_size_mib": 1},
                    "http": {
                        "endpoint": "127.0.0.1:0",
                        "max_request_body_size": 1 << 20,
                        "read_timeout": "2s",
                    },
                }
            }
        },
        "processors": {"otelml": processor},
        "exporters": exporter,
        "extensions": {
            "storage": {"url": f"sqlite:///{folder / 'state.db'}"},
            "health": {"endpoint": "127.0.0.1:0"},
        },
        "service": {
            "pipelines": {
                "metrics": way,
                "logs": way,
                "traces": {"receivers": ["otlp"], "exporters": list(exporter)},
            }
        },
    }


def to_grpc(sink: Sink) -> dict[str, Any]:
    return {
        "otlp_grpc": {
            "endpoint": f"127.0.0.1:{sink.port}",
            "tls": {"insecure": True},
            "timeout": "2s",
        }
    }


Start = Callable[..., Awaitable[Service]]
Stop = Callable[[Service], Awaitable[None]]
Running = dict[Service, "asyncio.Task[None]"]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """The processors that run."""
    tasks: Running = {}
    yield tasks
    for service, task in tasks.items():
        service.stop()
        await task


@pytest.fixture
def stop(running: Running) -> Stop:
    """Stop a processor."""

    async def end(service: Service) -> None:
        service.stop()
        await running.pop(service)

    return end


@pytest.fixture
async def start(tmp_path: Path, sink: Sink, running: Running) -> Start:
    """Start a processor; keywords are its options, `exporter` where it sends to."""

    async def begin(exporter: dict[str, Any] | None = None, **processor: Any) -> Service:
        whole = settings(tmp_path, exporter or to_grpc(sink), **processor)
        service = Service(document.parse(yaml.safe_dump(whole), "test", {}))
        ready = asyncio.Event()
        task = asyncio.create_task(service.run(lambda _: ready.set()))
        running[service] = task
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            task.result()
        return service

    return begin


MODEL = Model("fraud")


def window(mean: float = 0.0, rows: int = 1000, number: int = 0, seed: int = 0) -> Window:
    """A window of one second, some time ago."""
    random = np.random.default_rng(seed)
    sketches: dict[Key, Sketch] = {
        Key(MODEL, Role.FEATURE, "age"): Numeric.of(random.normal(mean, 1, rows)),
        Key(MODEL, Role.FEATURE, "fee"): Numeric.of(random.normal(0, 1, rows)),
        Key(MODEL, Role.PREDICTIONS, "predict"): Count(rows),
    }
    start = (1_700_000_000 + number) * SECOND
    return Window(MODEL, start, start + SECOND, MappingProxyType(sketches), rows)


@pytest.fixture
def make_window() -> Callable[..., Window]:
    return window


async def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it is another's state
            await asyncio.sleep(0.02)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Awaitable[None]]:
    return eventually
