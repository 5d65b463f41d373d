"""tritonclient: a client span around every request, whose trace context goes with it.

The protocol is the Open Inference Protocol's: Triton, MLServer and KServe speak it.
"""

import sys
import time
from typing import Any, ClassVar, NamedTuple
from weakref import WeakKeyDictionary, ref

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from otelml import names
from otelml.data import Model
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, outer, process

_SYSTEM = "nvidia.triton"
_OPERATION = "predict"


class _Asking(NamedTuple):
    """A request under way."""

    model: Model
    span: trace.Span | None
    started: float


class TritonclientInstrumentor(Instrumentor):
    """Hooks of Triton's clients: HTTP, gRPC, asyncio."""

    modules: ClassVar[tuple[str, ...]] = (
        "tritonclient.http._client",
        "tritonclient.http.aio",
        "tritonclient.grpc._client",
        "tritonclient.grpc.aio",
    )
    distribution: ClassVar[str] = "tritonclient"
    supported: ClassVar[str] = ">=2.30"
    covers: ClassVar[Coverage] = Coverage(
        "`infer`, `async_infer`: HTTP, gRPC, asyncio", asynchronous=True, context="to the server"
    )

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the clients."""
        client = module.InferenceServerClient
        patches.wrap(client, "__init__", _init)
        if module.__name__.endswith("aio"):
            patches.wrap(client, "infer", _awaited)
            return
        patches.wrap(client, "infer", _infer)
        if "grpc" in module.__name__:
            patches.wrap(client, "async_infer", _called_back)
        else:
            patches.wrap(client, "async_infer", _begun)
            patches.wrap(module.InferAsyncRequest, "get_result", _fetched)


_addresses: dict[int, tuple[ref[Any], str, int | None]] = {}


def _init(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Remember whom a client asks, for as long as it lives."""
    guarded(_remember, instance, args[0] if args else kwargs.get("url", ""))
    return wrapped(*args, **kwargs)


def _remember(instance: Any, url: str) -> None:
    host, _, port = url.rpartition(":")
    address = (host, int(port)) if host and port.isdecimal() else (url, None)
    identity = id(instance)
    reference = ref(instance, lambda _: _addresses.pop(identity, None))
    _addresses[identity] = reference, *address


def _infer(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if outer() is not None or (asking := guarded(_begin, instance, args, kwargs)) is None:
        return wrapped(*args, **kwargs)
    try:
        result = wrapped(*args, **_with_context(asking, kwargs))
    except BaseException as error:
        guarded(_end, asking, error)
        raise
    guarded(_end, asking, None)
    return result


async def _awaited(
    wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if outer() is not None or (asking := guarded(_begin, instance, args, kwargs)) is None:
        return await wrapped(*args, **kwargs)
    try:
        result = await wrapped(*args, **_with_context(asking, kwargs))
    except BaseException as error:
        guarded(_end, asking, error)
        raise
    guarded(_end, asking, None)
    return result


def _called_back(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The gRPC client's: over when it calls back, on a thread of its own."""
    told: Any = args[2] if len(args) > 2 else kwargs.get("callback")
    if outer() is not None or told is None:
        return wrapped(*args, **kwargs)
    if (asking := guarded(_begin, instance, args, kwargs)) is None:
        return wrapped(*args, **kwargs)

    def ended(*, result: Any, error: Any) -> Any:
        guarded(_end, asking, error)
        return told(result=result, error=error)

    passed = _with_context(asking, kwargs)
    if len(args) > 2:
        return wrapped(*args[:2], ended, *args[3:], **passed)
    return wrapped(*args, **passed | {"callback": ended})


def _begun(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The HTTP client's: over when its greenlet is, or when the app fetches the result."""
    if outer() is not None or (asking := guarded(_begin, instance, args, kwargs)) is None:
        return wrapped(*args, **kwargs)
    try:
        result = wrapped(*args, **_with_context(asking, kwargs))
    except BaseException as error:
        guarded(_end, asking, error)
        raise
    greenlet = getattr(result, "_greenlet", None)
    if greenlet is None:
        guarded(_end, asking, None)
    else:
        _under_way[greenlet] = asking
        greenlet.link(lambda done: guarded(_answered, done))
    return result


_under_way: WeakKeyDictionary[Any, _Asking] = WeakKeyDictionary()


def _fetched(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What is linked to a greenlet may run after the app has its result: so end the span here."""
    try:
        return wrapped(*args, **kwargs)
    finally:
        guarded(_answered, getattr(instance, "_greenlet", None))


def _answered(greenlet: Any) -> None:
    """End the request of a greenlet, once, if it is over."""
    if greenlet is None or not greenlet.ready():
        return
    asking = _under_way.pop(greenlet, None)
    if asking is None:
        return
    error = greenlet.exception
    status = getattr(greenlet.value, "status_code", 200)
    if error is None and status != 200:
        error = sys.modules["tritonclient.utils"].InferenceServerException(f"HTTP {status}")
    _end(asking, error)


def _begin(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Asking:
    name = str(args[0] if args else kwargs["model_name"])
    version = str(kwargs.get("model_version") or "") or None
    attributes: dict[str, Any] = {
        names.OPERATION: _OPERATION,
        names.SYSTEM: _SYSTEM,
        names.MODEL_NAME: name,
    }
    if version is not None:
        attributes[names.MODEL_VERSION] = version
    if told := kwargs.get("request_id"):
        attributes[names.INFERENCE_ID] = str(told)
    _, host, port = _addresses.get(id(instance), (None, "", None))
    if host:
        attributes[names.SERVER_ADDRESS] = host
    if port is not None:
        attributes[names.SERVER_PORT] = port
    inputs = args[1] if len(args) > 1 else kwargs["inputs"]
    attributes[names.BATCH_SIZE] = int((inputs[0].shape() or [1])[0])
    span = None
    if process().settings.spans:
        span = process().tracer.start_span(
            f"{_OPERATION} {name}", kind=SpanKind.CLIENT, attributes=attributes
        )
    return _Asking(Model(name, version), span, time.perf_counter())


def _with_context(asking: _Asking, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same arguments with the trace context among the headers."""
    here = context.get_current()
    if asking.span is not None:
        here = trace.set_span_in_context(asking.span, here)
    headers = dict(kwargs.get("headers") or {})
    guarded(propagate.inject, headers, here)
    return kwargs | {"headers": headers} if headers else kwargs


def _end(asking: _Asking, error: BaseException | None) -> None:
    seconds = time.perf_counter() - asking.started
    reason = None if error is None else type(error).__qualname__
    if process().bridge.serving():
        process().recorder.asked(asking.model, _OPERATION, _SYSTEM, seconds, reason)
    if asking.span is None:
        return
    if error is not None:
        asking.span.record_exception(error)
        asking.span.set_attribute(names.ERROR_TYPE, str(reason))
        asking.span.set_status(Status(StatusCode.ERROR, str(error)))
    asking.span.end()
