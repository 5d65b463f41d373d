"""Requests go on over HTTP as they do over gRPC, and refusals come back with their meaning."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelml.processor import config
from otelml.processor.exporters import HttpExporter
from otelml.processor.otlp_http import HttpServer
from otelml.processor.refusal import RefusalError, from_grpc
from otelml.processor.signals import Signal

Code = grpc.StatusCode
PARTIAL = ExportLogsServiceResponse(
    partial_success=ExportLogsPartialSuccess(rejected_log_records=3, error_message="no")
).SerializeToString()


@dataclass
class Web:
    """An OTLP/HTTP server that keeps what it gets."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    body: bytes = b""


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    kept = Web()

    async def take(request: Request) -> Response:
        kept.received.append((request.url.path, dict(request.headers), await request.body()))
        return Response(kept.body, kept.status, kept.headers)

    app = Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])])
    server = HttpServer(app, "127.0.0.1:0")
    await server.start()
    kept.port = server.port
    yield kept
    await server.stop()


def exporter(web: Web, **options: object) -> HttpExporter:
    given = {"endpoint": f"http://127.0.0.1:{web.port}", "timeout": "2s"} | options
    return HttpExporter(config.HttpExporter.model_validate(given))


async def test_a_request_goes_on_over_http(web: Web) -> None:
    out = exporter(web, headers={"x-tenant": "7"})
    web.body, web.headers = PARTIAL, {"content-type": "application/x-protobuf; charset=utf-8"}
    assert PARTIAL == await out.send(Signal.LOGS, b"body")
    path, headers, body = web.received[0]
    assert ("/v1/logs", "7", "application/x-protobuf", "gzip", b"body") == (
        path,
        headers["x-tenant"],
        headers["content-type"],
        headers["content-encoding"],
        gzip.decompress(body),
    )
    await out.close()
    plain = exporter(web, compression="none")
    await plain.send(Signal.TRACES, b"body")
    assert b"body" == web.received[-1][2]
    await plain.close()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-protobuf", b"ok"),
        ("application/x-protobuf", PARTIAL[:-1]),
        ("application/json", b'{"partialSuccess":{}}'),
        ("application/json", b""),
        ("text/plain", PARTIAL),
    ],
)
async def test_an_answer_that_is_none_of_otlp_is_a_success(
    web: Web, kind: str, body: bytes
) -> None:
    web.body, web.headers = body, {"content-type": kind}
    out = exporter(web)
    assert b"" == await out.send(Signal.LOGS, b"body")
    await out.close()


@pytest.mark.parametrize(("status", "retryable"), [(200, None), (400, False), (503, True)])
async def test_an_answer_that_is_not_encoded_as_it_says_means_what_its_status_does(
    web: Web, status: int, *, retryable: bool | None
) -> None:
    """Or else a request that was taken, or refused for good, would be sent for ever."""
    web.body, web.status = PARTIAL, status
    web.headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    out = exporter(web)
    if retryable is None:
        assert b"" == await out.send(Signal.LOGS, b"body")
    else:
        with pytest.raises(RefusalError) as caught:
            await out.send(Signal.LOGS, b"body")
        assert retryable == caught.value.retryable
    await out.close()


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, Code.INVALID_ARGUMENT, False),
        (401, Code.UNAUTHENTICATED, False),
        (403, Code.PERMISSION_DENIED, False),
        (404, Code.UNIMPLEMENTED, False),
        (408, Code.INTERNAL, False),
        (413, Code.RESOURCE_EXHAUSTED, False),
        (429, Code.RESOURCE_EXHAUSTED, True),
        (500, Code.INTERNAL, False),
        (501, Code.INTERNAL, False),
        (502, Code.UNAVAILABLE, True),
        (503, Code.UNAVAILABLE, True),
        (504, Code.UNAVAILABLE, True),
    ],
)
async def test_statuses(web: Web, status: int, code: grpc.StatusCode, retryable: bool) -> None:
    web.status = status
    out = exporter(web)
    with pytest.raises(RefusalError) as caught:
        await out.send(Signal.METRICS, b"")
    assert (code, retryable) == (caught.value.code, caught.value.retryable)
    await out.close()


async def test_the_delay_may_be_seconds_or_a_date(web: Web) -> None:
    web.status = 503
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    for text, least, most in (("7", 7, 7), (soon, 50, 60)):
        web.headers = {"retry-after": text}
        out = exporter(web)
        with pytest.raises(RefusalError) as caught:
            await out.send(Signal.METRICS, b"")
        assert caught.value.retry_after is not None
        assert least <= caught.value.retry_after <= most
        await out.close()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("text", ["9" * 20, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_no_delay_is_longer_than_an_hour(web: Web, status: int, text: str) -> None:
    web.status, web.headers = status, {"retry-after": text}
    out = exporter(web)
    with pytest.raises(RefusalError) as caught:
        await out.send(Signal.METRICS, b"")
    info = RetryInfo()
    assert Status.FromString(caught.value.status()).details[0].Unpack(info)
    assert (3600, 3600) == (caught.value.retry_after, info.retry_delay.seconds)
    await out.close()


def test_details_that_are_none_ask_for_no_delay() -> None:
    details = Status()
    details.details.add().Pack(RetryInfo())
    details.details[0].value = b"\xff"
    for raw in (b"\xff", details.SerializeToString()):
        assert from_grpc(Code.UNAVAILABLE, "later", raw).retry_after is None


def test_no_message_is_too_long_for_a_header() -> None:
    """Beyond 8 KiB of them, gRPC calls what may come again refused for good."""
    long = from_grpc(Code.UNAVAILABLE, "容量" * 1000, None)
    assert "容量" * 170 + "容" == long.message
    percent, base64 = len(quote(long.message)), len(long.status()) * 4 // 3
    assert percent + base64 < 6 << 10
    assert "?" == from_grpc(Code.UNAVAILABLE, "\ud800", None).message


async def test_an_endless_answer_is_left_unread(web: Web) -> None:
    partial = ExportLogsServiceResponse()
    partial.partial_success.error_message = "x" * (1 << 24)
    web.body = partial.SerializeToString()
    web.headers = {"content-type": "application/x-protobuf"}
    out = exporter(web)
    assert b"" == await out.send(Signal.LOGS, b"")
    await out.close()


async def test_an_answer_that_never_ends_has_a_deadline() -> None:
    hung_up = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x-more: yes\r\n")
            await asyncio.sleep(0.1)
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        out = exporter(Web(port=server.sockets[0].getsockname()[1]), timeout="1s")
        with pytest.raises(RefusalError) as caught:
            await asyncio.wait_for(out.send(Signal.METRICS, b""), 20)
        assert caught.value.retryable
        await out.close()
        await asyncio.wait_for(hung_up.wait(), 20)


async def test_nobody_there_may_be_retried() -> None:
    out = exporter(Web(port=1))
    with pytest.raises(RefusalError) as caught:
        await out.send(Signal.METRICS, b"")
    assert caught.value.retryable
    await out.close()


async def test_a_processor_forwards_over_http(
    start: Callable[..., Awaitable[object]], web: Web
) -> None:
    service = await start({"otlp_http": {"endpoint": f"http://127.0.0.1:{web.port}"}})
    port = service.ports["otlp/grpc"]  # type: ignore[attr-defined]  # a Service
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.unary_unary(Signal.TRACES.method, None, None)(b"", timeout=5)
    assert "/v1/traces" == web.received[0][0]
