"""Flask: the route and the request's id, told to the model calls within."""

import sys
from typing import Any, ClassVar

from otelml import names
from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._serving import Server, Serving


class FlaskInstrumentor(Instrumentor):
    """Hook of Flask's dispatch."""

    modules: ClassVar[tuple[str, ...]] = ("flask.app",)
    distribution: ClassVar[str] = "flask"
    supported: ClassVar[str] = ">=2.2"
    covers: ClassVar[Coverage] = Coverage("views: route and request id", context="in process")

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the dispatch of requests to views."""
        patches.wrap(module.Flask, "dispatch_request", Server(_describe))


def _describe(_: Any, __: tuple[Any, ...], ___: dict[str, Any]) -> Serving:
    request = sys.modules["flask"].request
    attributes = {names.ROUTE: str(request.url_rule)} if request.url_rule else {}
    if told := request.headers.get("x-request-id"):
        attributes[names.INFERENCE_ID] = told
    return Serving(attributes=attributes)
