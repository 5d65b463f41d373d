"""TensorFlow: the signatures of loaded SavedModels. Keras models come with Keras's hook."""

from collections.abc import Iterator
from typing import Any, ClassVar

from otelml.data import Model
from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, told_by, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, process
from otelml.hooks._reader import Card, Column, Reader, named, tensor, version_of
from otelml.recording.columns import features, table
from otelml.recording.naming import REGISTRY


class _SignatureReader(Reader):
    framework = "tensorflow"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return kwargs or {str(i): value for i, value in enumerate(args)}

    def describe(self, instance: Any, data: Any) -> Card:
        return Card(
            named(instance, str(getattr(instance, "name", type(instance).__name__)), None),
            self.framework,
            version_of("tensorflow"),
        )

    def rows(self, data: Any) -> int:
        return super().rows(next(iter(data.values()), None))

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        settings = process().settings
        if len(data) == 1:
            (values,) = data.values()
            return features(values.numpy(), None, settings.exclude_features, settings.max_features)
        return table(data, settings.exclude_features, settings.max_features)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        for name, values in result.items():
            yield from tensor(values.numpy(), name if len(result) > 1 else "")


class TensorflowInstrumentor(Instrumentor):
    """Hooks of TensorFlow's SavedModels."""

    modules: ClassVar[tuple[str, ...]] = ("tensorflow.python.saved_model.load",)
    distribution: ClassVar[str] = "tensorflow"
    aliases: ClassVar[tuple[str, ...]] = ("tensorflow-cpu",)
    supported: ClassVar[str] = ">=2.13"
    covers: ClassVar[Coverage] = Coverage(
        "signatures of a SavedModel",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`saved_model.load`",
    )
    reader: ClassVar[Reader] = _SignatureReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the loader, and what it makes of signatures."""
        caller, loader = Caller(self.reader), Loader(self.reader, whole)

        def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            return caller.call("predict", wrapped, instance, args, kwargs)

        def load(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            result = loader(wrapped, instance, args, kwargs)
            guarded(_name_signatures, result, told_by(whole(None, args, kwargs)))
            return result

        patches.wrap(module._WrapperFunction, "__call__", call, inherited=True)  # noqa: SLF001
        patches.wrap(module, "load", load)


def _name_signatures(loaded: Any, model: Model | None) -> None:
    for signature in loaded.signatures.values():
        REGISTRY.loaded(signature, model)
