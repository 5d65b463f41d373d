"""Connections of the HTTP servers: whoever is too slow to ask is let go."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """A connection that is closed when the headers of a request take longer than `read_timeout`.

    Between requests uvicorn closes it after a while; the body has a timeout of its own.
    """

    def __init__(self, *args: Any, read_timeout: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._read_timeout = read_timeout
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
