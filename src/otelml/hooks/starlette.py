"""Starlette and FastAPI: the route and the request's id, told to the model calls within."""

from typing import Any, ClassVar

from otelml import names
from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._serving import Server, Serving


class StarletteInstrumentor(Instrumentor):
    """Hooks of Starlette's and FastAPI's routes."""

    modules: ClassVar[tuple[str, ...]] = ("starlette.routing", "fastapi.routing")
    distribution: ClassVar[str] = "starlette"
    supported: ClassVar[str] = ">=0.27"
    covers: ClassVar[Coverage] = Coverage(
        "routes of Starlette and FastAPI: route and request id",
        asynchronous=True,
        context="in process",
    )

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules' routes."""
        server = Server(_describe)
        for name in ("Route", "APIRoute"):
            if cls := vars(module).get(name):
                patches.wrap(cls, "handle", server.awaited)


def _describe(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Serving:
    scope = args[0] if args else kwargs["scope"]
    attributes = {names.ROUTE: str(instance.path)}
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            attributes[names.INFERENCE_ID] = value.decode("latin-1")
    return Serving(attributes=attributes)
