"""Sends requests on, as they are, over OTLP/gRPC or OTLP/HTTP."""

import asyncio
import contextlib
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import grpc
import httpx
from google.protobuf.message import DecodeError

from otelml.processor import config, retry_after
from otelml.processor.refusal import RefusalError, from_grpc, from_http
from otelml.processor.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MOST_ANSWERED: Final = 1 << 16
"""Bytes that are read of an answer."""

_PROTOBUF: Final = "application/x-protobuf"


class Exporter(Protocol):
    """Somewhere to send to."""

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """The answer of the next hop; raises RefusalError if it does not accept."""

    async def close(self) -> None:
        """Hang up."""


class GrpcExporter:
    """An OTLP/gRPC server."""

    def __init__(self, settings: config.GrpcExporter) -> None:
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", _MOST_ANSWERED),
            ("grpc.initial_reconnect_backoff_ms", 500),
            ("grpc.max_reconnect_backoff_ms", 5_000),
        ]
        target = settings.endpoint.removeprefix("http://").removeprefix("https://")
        compression = (
            grpc.Compression.Gzip
            if settings.compression == "gzip"
            else grpc.Compression.NoCompression
        )
        if settings.tls.insecure:
            self._channel = grpc.aio.insecure_channel(target, options, compression)
        else:
            roots = Path(settings.tls.ca_file).read_bytes() if settings.tls.ca_file else None
            trust = grpc.ssl_channel_credentials(roots)
            self._channel = grpc.aio.secure_channel(target, trust, options, compression)
        self._headers = tuple((name.lower(), value) for name, value in settings.headers.items())
        self._timeout = settings.timeout
        self._calls: dict[Signal, Callable[..., Awaitable[bytes]]] = {
            signal: self._channel.unary_unary(signal.method, None, None) for signal in Signal
        }

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """The answer of the server."""
        try:
            answer = await self._calls[signal](body, timeout=self._timeout, metadata=self._headers)
        except grpc.aio.AioRpcError as error:
            trailers: Any = error.trailing_metadata() or ()
            raw = next((v for k, v in trailers if k == "grpc-status-details-bin"), None)
            raise from_grpc(error.code(), error.details() or "", raw) from error
        return answer

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close(None)


class HttpExporter:
    """An OTLP/HTTP server."""

    def __init__(self, settings: config.HttpExporter) -> None:
        self._zip = settings.compression == "gzip"
        headers = {"content-type": _PROTOBUF} | settings.headers
        if self._zip:
            headers["content-encoding"] = "gzip"
        self._base = settings.endpoint.rstrip("/")
        self._timeout = settings.timeout
        self._client = httpx.AsyncClient(
            headers=headers, timeout=settings.timeout, trust_env=False, follow_redirects=False
        )

    async def send(self, signal: Signal, body: bytes) -> bytes:
        """The answer of the server."""
        content = gzip.compress(body, 1, mtime=0) if self._zip else body
        answer = b""
        try:
            async with (
                asyncio.timeout(self._timeout),  # of all; httpx's begins anew with every byte
                self._client.stream("POST", self._base + signal.path, content=content) as response,
            ):
                with contextlib.suppress(httpx.DecodingError):  # the status says what matters
                    async for chunk in response.aiter_bytes():
                        answer += chunk
                        if len(answer) > _MOST_ANSWERED:
                            break
        except (httpx.HTTPError, TimeoutError) as error:
            message = f"{self._base}: {str(error) or type(error).__name__}"
            raise RefusalError(grpc.StatusCode.UNAVAILABLE, message) from error
        if response.is_success:
            return _understood(signal, answer, response.headers.get("content-type", ""))
        message = f"{self._base} answered {response.status_code}"
        delay = retry_after.seconds(response.headers.get("retry-after"))
        raise from_http(response.status_code, message, delay)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _understood(signal: Signal, answer: bytes, kind: str) -> bytes:
    """An answer over HTTP, empty if it is none of OTLP: the status alone says success."""
    if kind.partition(";")[0].strip().lower() != _PROTOBUF or len(answer) > _MOST_ANSWERED:
        return b""
    try:
        signal.response.FromString(answer)
    except DecodeError:
        return b""
    return answer


def exporter(settings: config.GrpcExporter | config.HttpExporter) -> Exporter:
    """The exporter that was configured."""
    if isinstance(settings, config.GrpcExporter):
        return GrpcExporter(settings)
    return HttpExporter(settings)
