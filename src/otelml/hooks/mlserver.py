"""MLServer: requests in the server, and in its workers, to which the trace context is carried."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, ClassVar, Final

from opentelemetry import context, trace
from opentelemetry.context.context import Context
from opentelemetry.trace import Link

from otelml import names
from otelml.data import Model
from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, process
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.hooks._serving import (
    SERVING,
    Batches,
    Server,
    Serving,
    carrier,
    elsewhere,
    uncarried,
    within,
)
from otelml.recording.columns import as_array, features, table

_CARRIED: Final = "otelml-context"


class _RequestReader(Reader):
    """Requests of models that no model library's hook sees."""

    framework = "mlserver"
    system = "mlserver"
    parameter = "payload"

    def describe(self, instance: Any, data: Any) -> Card:
        version = version_of("mlserver")
        return Card(named(instance, "mlserver", None), self.framework, version)

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The request; in a worker it is the argument of the message."""
        given = super().data(args, kwargs)
        return given.method_args[0] if getattr(given, "method_args", None) else given

    def rows(self, data: Any) -> int:
        return int(data.inputs[0].shape[0])

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        settings = process().settings
        tensors = {tensor.name: _array(tensor) for tensor in data.inputs}
        if len(tensors) == 1:
            (values,) = tensors.values()
            return features(values, None, settings.exclude_features, settings.max_features)
        return table(tensors, settings.exclude_features, settings.max_features)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        response = getattr(result, "return_value", result)
        for output in response.outputs:
            name = output.name if len(response.outputs) > 1 else ""
            array = _array(output)
            if array.dtype.kind == "f":
                yield from tensor(array, name)
            else:
                yield classified(array.ravel(), name)


def _array(tensor: Any) -> Any:
    """The values of a tensor of the protocol, in its shape."""
    return as_array(list(getattr(tensor.data, "root", tensor.data))).reshape(tensor.shape)


class MlserverInstrumentor(Instrumentor):
    """Hooks of MLServer."""

    modules: ClassVar[tuple[str, ...]] = (
        "mlserver.handlers.dataplane",
        "mlserver.registry",
        "mlserver.parallel.worker",
        "mlserver.parallel.dispatcher",
        "mlserver.batching.adaptive",
    )
    distribution: ClassVar[str] = "mlserver"
    supported: ClassVar[str] = ">=1.5"
    covers: ClassVar[Coverage] = Coverage(
        "`infer`, in the server and its workers",
        asynchronous=True,
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="the registry",
        context="into workers; batches: links",
    )
    reader: ClassVar[Reader] = _RequestReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        match module.__name__.rpartition(".")[2]:
            case "dataplane":
                server = Server(_asked, Caller(self.reader))
                patches.wrap(module.DataPlane, "infer", server.awaited)
            case "registry":
                loads = Server(_loading)
                patches.wrap(module.SingleModelRegistry, "load", loads.awaited)
            case "worker":
                worker = Server(_worked, Caller(self.reader))

                async def process_request(
                    wrapped: Any, instance: Any, args: Any, kwargs: Any
                ) -> Any:
                    message = args[0] if args else kwargs["request"]
                    if message.method_name != "predict":
                        return await wrapped(*args, **kwargs)
                    here = _taken_up(message)
                    return await within(here, worker.awaited(wrapped, instance, args, kwargs))

                patches.wrap(module.Worker, "_process_request", process_request)
            case "dispatcher":
                patches.wrap(module.Dispatcher, "dispatch_request", _dispatched)
            case _:
                batches = Batches("mlserver")
                patches.wrap(module.AdaptiveBatcher, "predict", batches.waiting)
                patches.wrap(module.AdaptiveBatcher, "_batch_requests", partial(_batched, batches))


def _asked(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Serving:
    given = dict(zip(("payload", "name", "version"), args, strict=False)) | kwargs
    payload, name = given["payload"], str(given["name"])
    version = given.get("version") or guarded(_default_version, instance, name)
    told = {names.INFERENCE_ID: payload.id} if payload.id else {}
    return Serving("mlserver", Model(name, version), attributes=told)


def _default_version(dataplane: Any, name: str) -> str | None:
    """The version that is asked when a request names none."""
    model = dataplane._model_registry._models[name].default  # noqa: SLF001
    return None if model is None else model.version


def _loading(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Serving:
    settings = args[0] if args else kwargs["model_settings"]
    version = getattr(settings.parameters, "version", None)
    return Serving("mlserver", Model(settings.name, version))


def _worked(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Serving:
    message = args[0] if args else kwargs["request"]
    told = getattr(message.method_args[0], "id", None)
    attributes = {names.INFERENCE_ID: told} if told else {}
    return Serving(
        "mlserver", Model(message.model_name, message.model_version), attributes=attributes
    )


def _dispatched(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Send the trace context with a message to a worker."""
    guarded(_send_along, args[0] if args else kwargs["request_message"])
    return wrapped(*args, **kwargs)


def _send_along(message: Any) -> None:
    serving = elsewhere()
    links = [] if serving is None else [_headers(link) for link in serving.links]
    message.__dict__[_CARRIED] = carrier(), links  # pickled with it


def _taken_up(message: Any) -> Context:
    headers, links = message.__dict__.get(_CARRIED, ({}, []))
    here = uncarried(headers)
    if links:
        spans = [trace.get_current_span(uncarried(each)).get_span_context() for each in links]
        serving = Serving("mlserver", links=[Link(span) for span in spans])
        return context.set_value(SERVING, serving, here)
    return here


def _headers(link: Link) -> dict[str, str]:
    span = trace.NonRecordingSpan(link.context)
    return carrier(trace.set_span_in_context(span, Context()))


async def _batched(
    batches: Batches, wrapped: Any, instance: Any, args: Any, kwargs: Any
) -> AsyncIterator[Any]:
    """Yield each batch in a context of its own: what is scheduled there inherits it."""
    async for found in wrapped(*args, **kwargs):
        model = Model(instance._model.name, instance._model.version)  # noqa: SLF001
        token = context.attach(batches.batch(found.inference_requests.values(), model))
        try:
            yield found
        finally:
            context.detach(token)
