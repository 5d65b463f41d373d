"""sagemaker-inference: the functions of a handler that load a model and predict."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from otelml.data import Model
from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader
from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor
from otelml.hooks._serving import Server, Serving
from otelml.recording.columns import as_array


class _HandlerReader(Reader):
    """What `predict_fn` takes and gives, where no hook sees the model that it calls."""

    framework = "sagemaker"
    system = "sagemaker"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args[1] if len(args) > 1 else None

    def describe(self, instance: Any, data: Any) -> Card:
        return Card(named(instance, type(instance).__name__, None), self.framework, "")

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        array = as_array(result)
        if array.dtype.kind == "f":
            yield from tensor(array)
        else:
            yield classified(array.ravel())


class SagemakerInstrumentor(Instrumentor):
    """Hooks of sagemaker-inference."""

    modules: ClassVar[tuple[str, ...]] = ("sagemaker_inference.transformer",)
    distribution: ClassVar[str] = "sagemaker-inference"
    supported: ClassVar[str] = ">=1.5"
    covers: ClassVar[Coverage] = Coverage(
        "`predict_fn` of a handler",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`model_fn`",
        context="in process",
    )
    reader: ClassVar[Reader] = _HandlerReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the calls of the handler's functions."""
        server, loader = Server(_describe, Caller(self.reader)), Loader(self.reader, _directory)

        def run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            function = args[0]
            if function is instance._predict_fn:  # noqa: SLF001
                return server(wrapped, instance, args, kwargs)
            if function is instance._model_fn:  # noqa: SLF001
                return loader(wrapped, instance, args, kwargs)
            return wrapped(*args, **kwargs)

        patches.wrap(module.Transformer, "_run_handler_function", run)


def _describe(_: Any, __: tuple[Any, ...], ___: dict[str, Any]) -> Serving:
    name = os.environ.get("SAGEMAKER_MODEL_NAME") or os.environ.get("SAGEMAKER_ENDPOINT_NAME")
    return Serving("sagemaker", Model(name) if name else None)


def _directory(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return str(Path(args[1]))
