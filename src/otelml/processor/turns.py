"""Long work on the event loop, in turns: between them others answer requests."""

import asyncio
import time
from typing import Final

_TURN: Final = 0.1
_PAUSE: Final = 0.01
"""Seconds: a request takes several rounds of the loop, and gets all that are in them."""


class Turns:
    """Work that begins now."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def over(self) -> None:
        """Let others have theirs, if this one was long."""
        if time.monotonic() - self._began >= _TURN:
            await asyncio.sleep(_PAUSE)
            self._began = time.monotonic()
