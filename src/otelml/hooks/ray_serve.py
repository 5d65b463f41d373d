"""Ray Serve: what a replica knows of the requests that its deployment answers."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from otelml import names
from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.hooks._serving import Server, Serving
from otelml.recording.columns import as_array

_OWN = ("__init__", "reconfigure", "check_health", "record_autoscaling_stats", "__del__")


class _DeploymentReader(Reader):
    """Arguments of deployments that call no model which a hook sees."""

    framework = "ray.serve"
    system = "ray.serve"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The deployment's own first argument, if it is one."""
        given = kwargs.get("args") or ()
        return given[0] if given else next(iter((kwargs.get("kwargs") or {}).values()), None)

    def describe(self, instance: Any, data: Any) -> Card:
        context = sys.modules["ray.serve"].get_replica_context()
        version = version_of("ray")
        return Card(named(instance, str(context.deployment), None), self.framework, version)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        value = result[0] if isinstance(result, tuple) else result
        if inspect.isgenerator(value) or inspect.isasyncgen(value):
            raise TypeError("a stream yields its results later")
        array = as_array(value)
        if array.dtype.kind == "f":
            yield from tensor(array)
        elif array.dtype.kind in "iubUO":
            yield classified(array.ravel())


class RayServeInstrumentor(Instrumentor):
    """Hook of Ray Serve's replicas."""

    modules: ClassVar[tuple[str, ...]] = ("ray.serve._private.replica",)
    distribution: ClassVar[str] = "ray"
    supported: ClassVar[str] = ">=2.30"
    covers: ClassVar[Coverage] = Coverage(
        "calls of a deployment",
        asynchronous=True,
        features=True,
        confidence=True,
        classes=True,
        names=True,
        context="in a replica",
    )
    reader: ClassVar[Reader] = _DeploymentReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the call of the deployment's code."""
        server = Server(_describe, Caller(self.reader))

        def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            method = getattr(args[0] if args else kwargs.get("callable"), "__name__", "")
            if method in _OWN or method.startswith("_ray"):
                return wrapped(*args, **kwargs)
            return server.awaited(wrapped, instance, args, kwargs)

        patches.wrap(module.UserCallableWrapper, "_call_func_or_gen", call)


def _describe(_: Any, __: tuple[Any, ...], ___: dict[str, Any]) -> Serving:
    request = sys.modules["ray.serve.context"]._get_serve_request_context()  # noqa: SLF001
    attributes = {}
    if told := getattr(request, "request_id", None):
        attributes[names.INFERENCE_ID] = str(told)
    if route := getattr(request, "route", None):
        attributes[names.ROUTE] = str(route)
    return Serving("ray.serve", attributes=attributes)
