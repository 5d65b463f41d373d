"""Connections of the HTTP servers: whoever is too slow to ask, or one too many, is let go.

What uvicorn would refuse by itself, in plain text, is refused as OTLP asks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from otelml.processor.refusal import invalid

PROTOBUF = "application/x-protobuf"


class Connection(H11Protocol):
    """A connection that is closed when the headers of a request take longer than `read_timeout`.

    Between requests uvicorn closes it after a while; the body has a timeout of its own. With `most`
    connections or requests under way, `busy` is what answers.
    """

    def __init__(
        self,
        *args: Any,
        read_timeout: float,
        most: int | None,
        busy: Callable[..., Awaitable[None]],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._read_timeout = read_timeout
        self._most, self._serving, self._busy = most, self.app, busy
        self._closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._limit()

    def data_received(self, data: bytes) -> None:
        """Wait on, unless a request has all its headers."""
        super().data_received(data)
        if getattr(self.cycle, "response_complete", True):  # there is none at first
            self._limit()
        else:
            self._unlimit()

    def handle_events(self) -> None:
        """Begin to answer the requests that came."""
        held = max(len(self.connections), len(self.tasks))
        self.app = self._serving if self._most is None or held < self._most else self._busy
        super().handle_events()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and hang up."""
        body = invalid(msg).status()
        headers = [
            ("content-type", PROTOBUF),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        answer = h11.Response(status_code=400, headers=headers, reason="Bad Request")
        events = answer, h11.Data(data=body), h11.EndOfMessage()
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._unlimit()
        super().connection_lost(exc)

    def _limit(self) -> None:
        if self._closing is None:
            self._closing = self.loop.call_later(self._read_timeout, self.transport.abort)

    def _unlimit(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
