"""What a process still holds when it ends: the SDK's exit handlers do not run after a signal."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable
from typing import Any, Final

from otelml.hooks._patch import guarded, process
from otelml.wire.ending import flushing

_SECONDS: Final = 0.8


def flush() -> None:
    """Send what this process holds, as far as that takes no longer than a live Collector needs.

    What was interrupted may hold a lock that sending needs: so that is not waited for either.
    """
    sending = threading.Thread(target=guarded, args=(_send,), daemon=True)
    sending.start()
    sending.join(_SECONDS)


def _send() -> None:
    """Send traces, metrics, and predicted rows, which go as logs."""
    shared = process()
    shared.flush()
    for sending in flushing(*shared.providers()):
        sending.join()


async def flushed(stopping: Awaitable[Any]) -> Any:
    """Await the end of a server, then flush."""
    result = await stopping
    await asyncio.to_thread(flush)
    return result


def flush_at_sigterm() -> None:
    """Flush before SIGTERM ends this process, a server's worker; the app's own handler may stay."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    worker = os.getpid()

    def terminated(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() == worker:  # and not a process that it forked
            flush()
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, terminated)
