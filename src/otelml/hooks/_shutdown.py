"""What a process still holds when it ends: the SDK's exit handlers do not run after a signal."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable
from typing import Any, Final

from opentelemetry import _logs as logs
from opentelemetry import metrics, trace

from otelml.hooks._patch import guarded, process

_SECONDS: Final = 5
_SECONDS_AT_SIGTERM: Final = 2


def flush(seconds: float = _SECONDS) -> None:
    """Send what this process holds: traces, metrics, and predicted rows, which go as logs."""
    process().flush()
    for provider in (
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
        logs.get_logger_provider(),
    ):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush is not None:
            guarded(force_flush, int(seconds * 1000))


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
            # What was interrupted may hold a lock that the flush needs: so it is not waited for.
            flushing = threading.Thread(target=flush, args=(_SECONDS_AT_SIGTERM,), daemon=True)
            flushing.start()
            flushing.join(_SECONDS_AT_SIGTERM)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, terminated)
