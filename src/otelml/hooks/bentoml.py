"""BentoML: requests and batches of a service, and models loaded from the store.

BentoML's own tracing samples nothing by default, and a parent that is not sampled would silence
our spans: such a parent is left out, for the context that came with the request.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from opentelemetry import context, propagate, trace
from opentelemetry.context.context import Context

from otelml import names
from otelml.data import Model
from otelml.hooks._call import Call
from otelml.hooks._load import Loader
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.hooks._serving import Batches, Server, Serving, within
from otelml.recording.columns import as_array

_LIBRARIES: Final = ("sklearn", "xgboost", "lightgbm", "catboost", "mlflow")


class _ServiceReader(Reader):
    """Inputs of methods that call no model which a hook sees; also reads loaded models' tags."""

    framework = "bentoml"
    system = "bentoml"

    def describe(self, instance: Any, data: Any) -> Card:
        service = getattr(instance, "service", None)
        fallback = str(getattr(service, "name", type(instance).__name__))
        version = version_of("bentoml")
        return Card(named(instance, fallback, None), self.framework, version)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        array = as_array(result)
        if array.dtype.kind == "f":
            yield from tensor(array)
        else:
            yield classified(array.ravel())


class BentomlInstrumentor(Instrumentor):
    """Hooks of BentoML."""

    modules: ClassVar[tuple[str, ...]] = (
        "_bentoml_impl.server.app",
        "bentoml._internal.marshal.dispatcher",
        *(f"_bentoml_impl.frameworks.{name}" for name in _LIBRARIES),
    )
    distribution: ClassVar[str] = "bentoml"
    supported: ClassVar[str] = ">=1.4"
    covers: ClassVar[Coverage] = Coverage(
        "methods of a service, batched or not",
        asynchronous=True,
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`load_model`",
        context="batches: links",
    )
    reader: ClassVar[Reader] = _ServiceReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "_bentoml_impl.server.app":
            server = Server(_describe)
            factory = module.ServiceAppFactory

            async def endpoint(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
                here = guarded(_parent, args[1]) or context.get_current()
                return await within(here, server.awaited(wrapped, instance, args, kwargs))

            patches.wrap(factory, "api_endpoint", endpoint)
        elif module.__name__.startswith("_bentoml_impl.frameworks"):
            patches.wrap(module, "load_model", Loader(self.reader, _tag))
        else:
            batches = Batches("bentoml")

            async def outbound(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
                jobs = args[0] if args else kwargs["inputs_info"]
                here = batches.batch([job.data for job in jobs])
                return await within(here, wrapped(*args, **kwargs))

            patches.wrap(module.CorkDispatcher, "inbound_call", batches.waiting)
            patches.wrap(module.CorkDispatcher, "outbound_call", outbound)


def _describe(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Serving:
    told = args[1].headers.get("x-request-id")
    attributes = {names.INFERENCE_ID: told} if told else {}
    return Serving("bentoml", attributes=attributes)


def _parent(request: Any) -> Context | None:
    """A context without BentoML's own span, where that is not sampled; None if it may stay."""
    span = trace.get_current_span()
    found = span.get_span_context()
    if not found.is_valid or found.is_remote or found.trace_flags.sampled:
        return None
    return propagate.extract(dict(request.headers), trace.set_span_in_context(trace.INVALID_SPAN))


def _tag(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Model:
    """A model's tag, `name:version`."""
    given = args[0] if args else next(iter(kwargs.values()))
    name, _, version = str(getattr(given, "tag", given)).partition(":")
    return Model(name, version or None)
