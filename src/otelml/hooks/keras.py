"""Keras 3, whatever its backend: `predict`, `predict_on_batch`, and calls of a whole model."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, silently
from otelml.hooks._reader import Card, Column, Reader, named, numeric, positives, tensor, version_of
from otelml.recording.columns import as_array

_TRAINERS: Final = {
    "keras.src.backend.tensorflow.trainer": "TensorFlowTrainer",
    "keras.src.backend.torch.trainer": "TorchTrainer",
    "keras.src.backend.jax.trainer": "JAXTrainer",
}
_TRAINING: Final = ("fit", "evaluate", "train_on_batch", "test_on_batch")
_SYMBOLIC: Final = ("KerasTensor", "SymbolicTensor")


class _ModelReader(Reader):
    framework = "keras"
    parameter = "x"

    def describe(self, instance: Any, data: Any) -> Card:
        given = getattr(instance, "inputs", None) or []
        columns = tuple(t.name for t in given) if len(given) > 1 else None
        if len(given) == 1 and len(given[0].shape) == 2 and given[0].shape[1]:
            columns = tuple(f"x{i}" for i in range(given[0].shape[1]))
        width = _width(instance)
        activation = _activation(instance)
        task = {"softmax": "multiclass_classification", "sigmoid": "binary_classification"}.get(
            activation
        )
        if activation == "linear" and width == 1:
            task = "regression"
        return Card(
            named(instance, str(instance.name), columns, task),
            self.framework,
            version_of("keras"),
            columns,
            task,
        )

    def rows(self, data: Any) -> int:
        return super().rows(_first(data))

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        if (
            isinstance(data, list | tuple)
            and card.features is not None
            and hasattr(data[0], "shape")
        ):
            data = dict(zip(card.features, data, strict=True))
        return super().inputs(card, data)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        several = result if isinstance(result, Mapping) else None
        for name, values in (several or {"": result}).items():
            array = as_array(values)
            if card.task == "binary_classification" and array.shape[1:] == (1,):
                yield from positives(array, [0, 1], name, classes_too=True)
            elif card.task == "regression":
                yield numeric(array, name)
            else:
                yield from tensor(array, name)


def _first(data: Any) -> Any:
    if isinstance(data, Mapping):
        return next(iter(data.values()), None)
    return data[0] if isinstance(data, list | tuple) and hasattr(data[0], "shape") else data


def _width(model: Any) -> int | None:
    outputs = getattr(model, "outputs", None) or []
    return outputs[0].shape[-1] if len(outputs) == 1 else None


def _activation(model: Any) -> str:
    layers = getattr(model, "layers", None) or [None]
    return str(getattr(getattr(layers[-1], "activation", None), "__name__", ""))


class KerasInstrumentor(Instrumentor):
    """Hooks of Keras."""

    modules: ClassVar[tuple[str, ...]] = (
        *_TRAINERS,
        "keras.src.models.model",
        "keras.src.saving.saving_api",
    )
    distribution: ClassVar[str] = "keras"
    supported: ClassVar[str] = ">=3.0"
    covers: ClassVar[Coverage] = Coverage(
        "`predict`, `predict_on_batch`, calls of a model",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`load_model`",
    )
    reader: ClassVar[Reader] = _ModelReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        caller = Caller(self.reader)
        if trainer := _TRAINERS.get(module.__name__):
            cls = getattr(module, trainer)
            for name in ("predict", "predict_on_batch"):
                patches.wrap(cls, name, caller)
            for name in _TRAINING:
                patches.wrap(cls, name, silently)
        elif module.__name__ == "keras.src.models.model":

            def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
                given = _first(args[0] if args else kwargs.get("inputs"))
                if kwargs.get("training") or type(given).__name__ in _SYMBOLIC:
                    return wrapped(*args, **kwargs)
                return caller.call("predict", wrapped, instance, args, kwargs)

            patches.wrap(module.Model, "__call__", call, inherited=True)
        else:
            patches.wrap(module, "load_model", Loader(self.reader, whole))
