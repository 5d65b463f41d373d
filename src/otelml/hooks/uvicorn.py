"""uvicorn: flush when the server shuts down.

After a graceful stop uvicorn raises the signal anew, and the process ends without its exit
handlers: what the SDK has not exported by then is lost.
"""

import asyncio
from typing import Any, ClassVar, Final

from opentelemetry import metrics, trace

from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded

_SECONDS: Final = 5


class UvicornInstrumentor(Instrumentor):
    """Hook of uvicorn's shutdown."""

    modules: ClassVar[tuple[str, ...]] = ("uvicorn.server",)
    distribution: ClassVar[str] = "uvicorn"
    supported: ClassVar[str] = ">=0.20"
    covers: ClassVar[Coverage] = Coverage("flushes when the server stops")

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the server's shutdown."""
        patches.wrap(module.Server, "shutdown", _shutdown)


async def _flushed(stopping: Any) -> Any:
    result = await stopping
    await asyncio.to_thread(flush)
    return result


def _shutdown(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _flushed(wrapped(*args, **kwargs))


def flush() -> None:
    """Send what the providers of this process hold: traces and metrics."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush is not None:
            guarded(force_flush, _SECONDS * 1000)
