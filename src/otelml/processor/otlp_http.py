"""OTLP/HTTP with protobuf bodies, over Starlette and uvicorn; and the page that tells health."""

import asyncio
import contextlib
import logging
import random
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from otelml.processor import config
from otelml.processor.http_connection import PROTOBUF, Connection
from otelml.processor.inflate import inflated, too_large
from otelml.processor.pipeline import Pipeline
from otelml.processor.refusal import Code, RefusalError, busy
from otelml.processor.signals import Signal

_LOG: Final = logging.getLogger(__name__)


def application(
    settings: config.HttpReceiver,
    pipeline: Pipeline,
    signals: Iterable[Signal],
    others: Iterable[Route] = (),
) -> Starlette:
    """The ASGI application of a receiver of some signals; `others` are routes beside OTLP's."""
    return Starlette(
        routes=[
            *(
                Route(signal.path, _endpoint(signal, settings, pipeline), methods=["POST"])
                for signal in signals
            ),
            *others,
        ],
        exception_handlers={HTTPException: _not_served, RefusalError: _refused},
    )


def _endpoint(
    signal: Signal, settings: config.HttpReceiver, pipeline: Pipeline
) -> Callable[[Request], Awaitable[Response]]:
    async def export(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != PROTOBUF:
            message = f"content-type {kind[:80]!r} is not served: send {PROTOBUF}"
            raise RefusalError(Code.INVALID_ARGUMENT, message, http=415)
        try:
            body = await body_of(request, settings)
            return Response(await pipeline.receive(signal, body), media_type=PROTOBUF)
        except asyncio.CancelledError as error:  # by uvicorn, of what a stop waited for in vain
            raise busy("shutting down") from error

    return export


async def body_of(request: Request, settings: config.HttpReceiver) -> bytes:
    """The body of a request, inflated.

    Raises:
        RefusalError: it is too large, too slow, or not as its encoding says.

    """
    limit = settings.max_request_body_size
    try:
        async with asyncio.timeout(settings.read_timeout):
            raw = await _body(request, limit)
    except TimeoutError as error:
        message = f"the body did not come within {settings.read_timeout:g} s"
        raise RefusalError(Code.INVALID_ARGUMENT, message, http=408) from error
    except ClientDisconnect as error:
        raise RefusalError(Code.CANCELLED, "the sender hung up") from error
    return inflated(raw, request.headers.get("content-encoding", ""), limit)


async def _body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError)
    return Response(error.status(), error.http, retry_after(error), PROTOBUF)


def retry_after(error: RefusalError) -> dict[str, str]:
    """The header that says when to come again, if it may."""
    if not error.retryable:
        return {}
    seconds = 1.0 if error.retry_after is None else error.retry_after
    jittered = seconds * (1 + random.random() / 4)  # noqa: S311 - spreads retries, hides nothing
    return {"retry-after": str(max(1, min(30, round(jittered))))}


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path[:80]} is not served: {error.detail}"
    refusal = RefusalError(Code.UNIMPLEMENTED, message, http=error.status_code)
    return Response(refusal.status(), error.status_code, dict(error.headers or {}), PROTOBUF)


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse one connection or request too many."""
    refusal = busy("too many connections")
    _LOG.warning("a request was refused: %s", refusal.message)
    headers = retry_after(refusal) | {"connection": "close"}
    answer = Response(refusal.status(), refusal.http, headers, PROTOBUF)
    await answer(scope, receive, send)


def health(pipeline: Pipeline) -> Starlette:
    """The ASGI application that says whether requests are taken."""
    since = time.time()

    async def tell(_: Request) -> Response:
        if pipeline.draining:
            return JSONResponse({"status": "Server not available"}, 503)
        return JSONResponse({"status": "Server available", "upSince": round(since)})

    return Starlette(routes=[Route("/", tell), Route("/health/status", tell)])


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner."""

    def __init__(
        self, app: Any, endpoint: str, most: int | None = None, read_timeout: float = 30.0
    ) -> None:
        host, _, port = endpoint.rpartition(":")
        host = host.strip("[]")
        super().__init__(
            uvicorn.Config(
                app,
                http=partial(Connection, read_timeout=read_timeout, most=most, busy=_busy),  # type: ignore[arg-type]  # only called
                lifespan="off",
                log_config=None,
                access_log=False,
                ws="none",
                timeout_keep_alive=60,
                timeout_graceful_shutdown=2,
                server_header=False,
                date_header=False,
            )
        )
        self._socket = _bound(host, int(port))
        self.port = self._socket.getsockname()[1]
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def start(self) -> None:
        """Answer requests until stopped."""
        self._task = asyncio.create_task(self.serve(sockets=[self._socket]))
        while not self.started and not self._task.done():  # noqa: ASYNC110 - it tells no other way
            await asyncio.sleep(0.005)
        if not self.started:
            await self._task  # it raises why

    async def stop(self) -> None:
        """Finish what is under way."""
        self.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen()  # or else another socket could be bound to the address, too
    except OSError as error:
        bound.close()
        raise OSError(f"{host}:{port}: {error.strerror or error}") from error
    bound.setblocking(False)
    return bound
