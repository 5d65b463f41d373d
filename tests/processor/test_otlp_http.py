"""A server has its address to itself, and gives up who does not say what he wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelml.processor.otlp_http import HttpServer

READ_TIMEOUT = 0.5
REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
HALF = REQUEST[:20]


async def answer(request: Request) -> Response:
    await request.body()
    await asyncio.sleep(float(request.headers.get("x-wait", "0")))
    return Response(b"", 204)


APP = Starlette(routes=[Route("/", answer, methods=["POST"])])


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    started = HttpServer(APP, "127.0.0.1:0", read_timeout=READ_TIMEOUT)
    await started.start()
    yield started
    await started.stop()


async def test_an_address_has_one_server() -> None:
    first = HttpServer(APP, "127.0.0.1:0")
    with pytest.raises(OSError, match=f"127.0.0.1:{first.port}: Address already in use"):
        HttpServer(APP, f"127.0.0.1:{first.port}")
    await first.stop()


async def test_a_server_that_cannot_start_says_so() -> None:
    server = HttpServer(APP, "127.0.0.1:0")
    server._socket.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await server.start()


@pytest.mark.parametrize(("requests", "half"), [(0, b""), (0, HALF), (1, HALF)])
async def test_headers_that_do_not_come_are_given_up(
    server: HttpServer, requests: int, half: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(requests):
        writer.write(REQUEST)
        assert b"HTTP/1.1 204" in await reader.readuntil(b"\r\n\r\n")
    writer.write(half)
    for _ in range(3):  # a byte now and then wins no time
        await asyncio.sleep(READ_TIMEOUT / 4)
        if half:
            writer.write(b"a")
    async with asyncio.timeout(10 * READ_TIMEOUT):
        assert b"" == await reader.read()
    writer.close()
    await writer.wait_closed()


async def asked(port: int, request: bytes) -> tuple[str, dict[str, str], Status]:
    """The first line, headers and body of an answer after which the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return first, headers, Status.FromString(body)


@pytest.mark.parametrize(
    "request_",
    [b"rubbish\r\n\r\n", REQUEST.replace(b"Host: a", b"Host"), b"GET / HTTP/1.1\r\n\r\n"],
)
async def test_what_is_no_http_is_refused_with_a_status(
    server: HttpServer, request_: bytes
) -> None:
    first, headers, status = await asked(server.port, request_)
    assert "HTTP/1.1 400 Bad Request" == first
    assert "application/x-protobuf" == headers["content-type"]
    assert (3, "Invalid HTTP request received.") == (status.code, status.message)


async def test_a_connection_too_many_is_told_to_come_again(
    eventually: Callable[..., Awaitable[None]],
) -> None:
    server = HttpServer(APP, "127.0.0.1:0", most=2)
    await server.start()
    _, idle = await asyncio.open_connection("127.0.0.1", server.port)
    first, headers, status = await asked(server.port, REQUEST)
    assert "HTTP/1.1 503 Service Unavailable" == first
    assert "application/x-protobuf" == headers["content-type"]
    assert 1 <= int(headers["retry-after"]) <= 30
    assert (14, "too many connections") == (status.code, status.message)
    info = RetryInfo()
    assert status.details[0].Unpack(info)
    assert 2 == info.retry_delay.seconds
    idle.close()
    await idle.wait_closed()
    await eventually(lambda: not server.server_state.connections)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(REQUEST)
    assert b"HTTP/1.1 204" in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    await server.stop()


async def test_only_headers_are_timed(server: HttpServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    slow = REQUEST.replace(b"Host", b"X-Wait: 1\r\nHost")
    for body in (slow, REQUEST):
        await asyncio.sleep(READ_TIMEOUT / 2)
        writer.write(body[:-1])
        await asyncio.sleep(2 * READ_TIMEOUT)
        writer.write(body[-1:])
        assert b"HTTP/1.1 204" in await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2 * READ_TIMEOUT)
    writer.close()
    await writer.wait_closed()
