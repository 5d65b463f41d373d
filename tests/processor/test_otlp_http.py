"""A server has its address to itself, and gives up who does not say what he wants."""

import asyncio
from collections.abc import AsyncIterator

import pytest
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
