"""ONNX Runtime: every way to run an `InferenceSession`."""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
from opentelemetry import context

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, outer
from otelml.hooks._reader import (
    Card,
    Column,
    Reader,
    classified,
    fed,
    named,
    numeric,
    probabilities,
    tensor,
    version_of,
)
from otelml.recording.columns import as_array


class _Ends(NamedTuple):
    """Names of a session's outputs, and whether they are a classifier's."""

    outputs: tuple[str, ...]
    is_classifier: bool


class _SessionReader(Reader):
    framework = "onnxruntime"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The feed: None where it is bound to a device."""
        feed = args[1] if len(args) > 1 else kwargs.get("input_feed")
        return feed if isinstance(feed, dict) else None

    def rows(self, data: Any) -> int:
        return super().rows(next(iter(data.values()))) if data else 0

    def describe(self, instance: Any, data: Any) -> Card:
        inputs, outputs = instance.get_inputs(), instance.get_outputs()
        meta = instance.get_modelmeta()
        first = outputs[0]
        labelled = first.type in ("tensor(int64)", "tensor(string)") and len(outputs) > 1
        several = len(inputs) > 1
        columns = tuple(i.name for i in inputs) if several else _unnamed(inputs[0].shape)
        regressor = len(outputs) == 1 and list(first.shape or [])[1:] in ([1], [])
        task = "regression" if regressor else None
        name = named(instance, meta.graph_name or type(instance).__name__, columns, task)
        return Card(
            name,
            self.framework,
            version_of("onnxruntime"),
            columns,
            task,
            _Ends(tuple(o.name for o in outputs), labelled),
        )

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        if data is None:
            return ()
        if len(data) == 1:
            return super().inputs(card, next(iter(data.values())))
        return fed(data)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        if call.data is None or result is None:
            return
        ends: _Ends = card.facts
        asked = (call.args[0] if call.args else call.options.get("output_names")) or ends.outputs
        found = dict(zip(asked, result, strict=False))
        if not ends.is_classifier:
            for name, values in found.items():
                array = as_array(values)
                alone = len(found) == 1
                if card.task == "regression":
                    yield numeric(array)
                else:
                    yield from tensor(array, "" if alone else name)
            return
        label, scores = (found.get(name) for name in ends.outputs[:2])
        if label is not None:
            yield classified(label)
        if isinstance(scores, list) and scores and isinstance(scores[0], dict):  # a ZipMap
            classes = [*scores[0]]
            scores = np.array([[row[c] for c in classes] for row in scores])
            yield from probabilities(scores, np.array(classes), classes_too=False)
        elif scores is not None:
            values = np.asarray(scores)
            classes = [*range(values.shape[-1])]
            yield from probabilities(values, np.array(classes), classes_too=False)


def _unnamed(shape: Any) -> tuple[str, ...] | None:
    known = len(shape) == 2 and isinstance(shape[1], int)
    return tuple(f"x{i}" for i in range(shape[1])) if known else None


class OnnxruntimeInstrumentor(Instrumentor):
    """Hooks of ONNX Runtime."""

    modules: ClassVar[tuple[str, ...]] = ("onnxruntime.capi.onnxruntime_inference_collection",)
    distribution: ClassVar[str] = "onnxruntime"
    aliases: ClassVar[tuple[str, ...]] = ("onnxruntime-gpu",)
    supported: ClassVar[str] = ">=1.16"
    covers: ClassVar[Coverage] = Coverage(
        "`run`, `run_with_ort_values`, `run_async`; `run_with_iobinding` (latency only)",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`InferenceSession`",
        asynchronous=True,
    )
    reader: ClassVar[Reader] = _SessionReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the sessions' methods."""
        caller = Caller(self.reader)

        def run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            return caller.call("predict", wrapped, instance, args, kwargs)

        def run_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            """The call ends when the runtime calls back, on a thread of its own."""
            here = context.get_current()
            if outer(here) is not None or len(args) < 3:
                return wrapped(*args, **kwargs)
            call = caller.begin(here, instance, "predict", args[:2], {})
            if call is None:
                return wrapped(*args, **kwargs)
            caller.leave(call)
            told = args[2]

            def ended(result: Any, user_data: Any, error: str) -> None:
                failure = RuntimeError(error) if error else None
                caller.end(call, result, failure)
                told(result, user_data, error)

            return wrapped(*args[:2], ended, *args[3:], **kwargs)

        for name in ("run", "run_with_ort_values", "run_with_iobinding"):
            patches.wrap(module.Session, name, run)
        patches.wrap(module.Session, "run_async", run_async)
        patches.wrap(module.InferenceSession, "__init__", Loader(self.reader, whole, fills=True))
