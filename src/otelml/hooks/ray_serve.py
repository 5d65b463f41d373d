"""Ray Serve: what a replica knows of the requests that its deployment answers.

The trace context goes along from one deployment to the next, and from Ray's own HTTP proxy; an ASGI
app within a deployment takes it up by its own instrumentation. A replica is killed once it was shut
down gracefully, so it flushes by then.
"""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from opentelemetry import context
from opentelemetry.context.context import Context

from otelml import names
from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.hooks._serving import (
    Batches,
    Server,
    Serving,
    carrier,
    elsewhere,
    taken_up,
    uncarried,
    within,
)
from otelml.hooks._shutdown import flushed
from otelml.recording.columns import as_array

_CARRIED: Final = "otelml-context"
_OWN: Final = ("__init__", "reconfigure", "check_health", "record_autoscaling_stats", "__del__")
_ANSWERS: Final = ("call_user_method", "call_user_generator", "call_http_entrypoint")


class _DeploymentReader(Reader):
    """Arguments of deployments that call no model which a hook sees."""

    framework = "ray.serve"
    system = "ray.serve"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The deployment's own first argument, if it is one."""
        given = _given(args, kwargs)
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
    """Hooks of Ray Serve's replicas, and of what asks them."""

    modules: ClassVar[tuple[str, ...]] = (
        "ray.serve._private.replica",
        "ray.serve._private.common",
        "ray.serve.batching",
    )
    distribution: ClassVar[str] = "ray"
    supported: ClassVar[str] = ">=2.30"
    covers: ClassVar[Coverage] = Coverage(
        "calls of a deployment",
        asynchronous=True,
        features=True,
        confidence=True,
        classes=True,
        names=True,
        context="between deployments; batches: links",
    )
    reader: ClassVar[Reader] = _DeploymentReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        match module.__name__.rpartition(".")[2]:
            case "common":
                patches.wrap(module.RequestMetadata, "__init__", _sent)
            case "batching":
                batches = Batches("ray.serve")

                def put(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
                    guarded(_waits, batches, args[0] if args else kwargs["request"])
                    return wrapped(*args, **kwargs)

                async def answer(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
                    return await within(batches.batch(args[1]), wrapped(*args, **kwargs))

                patches.wrap(module._BatchQueue, "put", put)  # noqa: SLF001
                for name in ("_assign_func_results", "_consume_func_generator"):
                    patches.wrap(module._BatchQueue, name, answer)  # noqa: SLF001
            case _:
                server = Server(_describe, Caller(self.reader))

                def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
                    method = getattr(args[0] if args else kwargs.get("callable"), "__name__", "")
                    if method in _OWN or method.startswith("_ray"):
                        return wrapped(*args, **kwargs)
                    here = guarded(_over_http, args, kwargs) or context.get_current()
                    return within(here, server.awaited(wrapped, instance, args, kwargs))

                replica = module.UserCallableWrapper
                patches.wrap(replica, "_call_func_or_gen", call)
                for name in _ANSWERS:
                    patches.wrap(replica, name, _received)
                patches.wrap(replica, "call_destructor", _shutdown)


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments of the deployment's code; in older versions of Ray they follow it."""
    return kwargs.get("args") or args[1:]


def _shutdown(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    return flushed(wrapped(*args, **kwargs))


def _describe(_: Any, __: tuple[Any, ...], ___: dict[str, Any]) -> Serving:
    request = sys.modules["ray.serve.context"]._serve_request_context.get()  # noqa: SLF001
    attributes = {}
    if told := getattr(request, "request_id", None):
        attributes[names.INFERENCE_ID] = str(told)
    if route := getattr(request, "route", None):
        attributes[names.ROUTE] = str(route)
    return Serving("ray.serve", attributes=attributes)


def _sent(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> None:
    """A deployment asks another one: what it is asked, and where, is recorded there."""
    wrapped(*args, **kwargs)
    guarded(_send_along, instance)


def _send_along(metadata: Any) -> None:
    elsewhere()
    if headers := carrier():
        metadata.__dict__[_CARRIED] = headers  # pickled with it


def _received(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    """Take up the context for what is left of the task, which is this request's alone."""
    guarded(_take_up, args[0] if args else kwargs["request_metadata"])
    return wrapped(*args, **kwargs)


def _take_up(metadata: Any) -> None:
    if headers := metadata.__dict__.get(_CARRIED):
        context.attach(uncarried(headers))


def _over_http(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Context:
    """The context of a request that Ray's proxy passed on is in its headers."""
    given = _given(args, kwargs)
    return taken_up(getattr(given[0], "headers", None) if given else None)


def _waits(batches: Batches, request: Any) -> None:
    batches.add(request.future)
    request.future.add_done_callback(batches.leave)
