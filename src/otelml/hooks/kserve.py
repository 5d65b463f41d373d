"""KServe: every request that a model server's model answers, whatever the protocol.

Headers, and over gRPC the metadata, hold the trace context: it is taken up where nobody else did.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from opentelemetry import context

from otelml import names
from otelml.data import Model
from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, process
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.hooks._serving import Server, Serving, taken_up, within
from otelml.recording.columns import as_array, features, table


class _RequestReader(Reader):
    """Requests of models that no model library's hook sees."""

    framework = "kserve"
    system = "kserve"
    parameter = "body"

    def describe(self, instance: Any, data: Any) -> Card:
        version = version_of("kserve")
        return Card(named(instance, str(instance.name), None), self.framework, version)

    def rows(self, data: Any) -> int:
        if hasattr(data, "inputs"):
            return int(data.inputs[0].shape[0])
        return len(data.get("instances", ())) if isinstance(data, dict) else 1

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        settings = process().settings
        excluded, most = settings.exclude_features, settings.max_features
        if hasattr(data, "inputs"):
            tensors = {tensor.name: tensor.as_numpy() for tensor in data.inputs}
            if len(tensors) == 1:
                (values,) = tensors.values()
                return features(values, None, excluded, most)
            return table(tensors, excluded, most)
        if isinstance(data, dict) and "instances" in data:
            return features(data["instances"], None, excluded, most)
        return ()

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        response = result[0] if isinstance(result, tuple) else result
        if hasattr(response, "outputs"):
            found = {output.name: output.as_numpy() for output in response.outputs}
        else:
            found = {"": response["predictions"]} if "predictions" in response else {}
        for name, values in found.items():
            array = as_array(values)
            if array.dtype.kind == "f":
                yield from tensor(array, name if len(found) > 1 else "")
            else:
                yield classified(array.ravel(), name if len(found) > 1 else "")


class KserveInstrumentor(Instrumentor):
    """Hooks of KServe."""

    modules: ClassVar[tuple[str, ...]] = ("kserve.model",)
    distribution: ClassVar[str] = "kserve"
    supported: ClassVar[str] = ">=0.11"
    covers: ClassVar[Coverage] = Coverage(
        "requests of a model, V1 and V2, over HTTP and gRPC",
        asynchronous=True,
        features=True,
        confidence=True,
        classes=True,
        names=True,
        context="from headers and gRPC metadata",
    )
    reader: ClassVar[Reader] = _RequestReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the models' entry."""
        server = Server(_describe, Caller(self.reader))

        def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            verb = kwargs.get("verb")
            if verb is not None and getattr(verb, "name", "PREDICT") != "PREDICT":
                return wrapped(*args, **kwargs)
            headers = args[1] if len(args) > 1 else kwargs.get("headers")
            here = guarded(taken_up, headers) or context.get_current()
            return within(here, server.awaited(wrapped, instance, args, kwargs))

        patches.wrap(module.Model, "__call__", call)


def _describe(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Serving:
    body = args[0] if args else kwargs.get("body")
    headers = kwargs.get("headers") or {}
    told = getattr(body, "id", None) or headers.get("x-request-id")
    attributes = {names.INFERENCE_ID: str(told)} if told else {}
    return Serving("kserve", Model(str(instance.name)), attributes=attributes)
