"""uvicorn: flush when the server shuts down.

After a graceful stop uvicorn raises the signal anew, and the process ends without its exit
handlers: what the SDK has not exported by then is lost.
"""

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


def _shutdown(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return flushed(wrapped(*args, **kwargs))
