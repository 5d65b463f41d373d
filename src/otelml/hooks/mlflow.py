"""MLflow: `predict` of loaded pyfunc models, in scripts and in `mlflow models serve`.

What the model library within it returned is read by that library's reader.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from otelml.data import Model
from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader
from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.recording.columns import as_array

_REGISTERED: Final = re.compile(r"models:/+(?P<name>[^/@]+)(?:[/@](?P<version>[^/]+))?$")


class _PyFuncReader(Reader):
    framework = "mlflow"
    system = "mlflow"
    parameter = "data"

    def describe(self, instance: Any, data: Any) -> Card:
        metadata = instance.metadata
        flavours = [name for name in metadata.flavors if name != "python_function"]
        flavour = flavours[0] if flavours else "mlflow"
        told = metadata.flavors.get(flavour, {})
        version = told.get(f"{flavour}_version") or version_of(flavour)
        signature = metadata.signature.inputs if metadata.signature is not None else None
        columns = None
        if signature is not None and signature.has_input_names():
            columns = tuple(signature.input_names())
        return Card(named(instance, flavour, columns), flavour, str(version), columns)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        """Those of the model within, or else the frame or array itself."""
        for operation in ("predict", "predict_proba"):
            if inner := call.inner.get(operation):
                known = inner.reader.card(inner.instance, call.data)
                within = copy.copy(call)
                within.instance, within.operation, within.card = inner.instance, operation, known
                within.args, within.options = (), {}
                yield from inner.reader.outputs(known, within, inner.result)
                return
        frame = result.to_frame() if hasattr(result, "to_frame") else result
        if hasattr(frame, "columns"):
            for number, name in enumerate(frame.columns):
                label = "" if len(frame.columns) == 1 else str(name)
                yield from _predicted(frame.iloc[:, number], label)
        elif hasattr(result, "__len__"):
            yield from _predicted(result, "")


def _predicted(values: Any, name: str) -> Iterator[Column]:
    array = as_array(values)
    if array.dtype.kind in "fc":
        yield from tensor(array, name)
    elif array.shape[1] == 1:
        yield classified(array.ravel(), name)


class MlflowInstrumentor(Instrumentor):
    """Hooks of MLflow."""

    modules: ClassVar[tuple[str, ...]] = ("mlflow.pyfunc",)
    distribution: ClassVar[str] = "mlflow"
    supported: ClassVar[str] = ">=2.10"
    covers: ClassVar[Coverage] = Coverage(
        "`PyFuncModel.predict`, in scripts and in `mlflow models serve`",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`pyfunc.load_model`",
        context="in process",
    )
    reader: ClassVar[Reader] = _PyFuncReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap pyfunc's models and their loader."""
        patches.wrap(module.PyFuncModel, "predict", Caller(self.reader))
        patches.wrap(module, "load_model", Loader(self.reader, _source))


def _source(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A registered model's name and version, or else the path of a model."""
    uri = str(args[0] if args else kwargs["model_uri"])
    found = _REGISTERED.match(uri)
    return Model(found["name"], found["version"]) if found else uri
