"""uvicorn: flush when the server shuts down.

After a graceful stop uvicorn raises the signal anew, and the process ends without its exit
handlers: what the SDK has not exported by then is lost. Not so in a main process that stops by
itself or is interrupted (Ctrl-C): there the SDK's own handlers follow, and export all once more.
"""

import multiprocessing
import signal
from typing import Any, ClassVar

from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._shutdown import flushed


class UvicornInstrumentor(Instrumentor):
    """Hook of uvicorn's shutdown."""

    modules: ClassVar[tuple[str, ...]] = ("uvicorn.server",)
    distribution: ClassVar[str] = "uvicorn"
    supported: ClassVar[str] = ">=0.20"
    covers: ClassVar[Coverage] = Coverage("flushes when the server stops")

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the server's shutdown."""
        patches.wrap(module.Server, "shutdown", _shutdown)


def _shutdown(wrapped: Any, server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    stopping = wrapped(*args, **kwargs)
    return stopping if _exit_handlers_follow(server) else flushed(stopping)


def _exit_handlers_follow(server: Any) -> bool:
    """Whether they will run; the processes of `multiprocessing` have none."""
    captured = getattr(server, "_captured_signals", ())
    return {*captured} <= {signal.SIGINT} and multiprocessing.parent_process() is None
