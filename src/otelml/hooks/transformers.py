"""transformers: calls of a pipeline, and what makes pipelines.

Of a text its length is recorded, never the text.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from otelml.data import Block, Role
from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader
from otelml.hooks._patch import Coverage, Instrumentor, Patches
from otelml.hooks._reader import Card, Column, Reader, classified, named, version_of

_CLASSIFYING = "-classification"


class _PipelineReader(Reader):
    framework = "transformers"
    parameter = "inputs"

    def describe(self, instance: Any, data: Any) -> Card:
        model = instance.model
        path = str(getattr(model, "name_or_path", "") or "")
        fallback = path.rstrip("/").rpartition("/")[2] or type(model).__name__
        task = str(instance.task)
        count = len(getattr(model.config, "id2label", None) or ())
        kind = "binary_classification" if count == 2 else "multiclass_classification"
        told = kind if task.endswith(_CLASSIFYING) else task.replace("-", "_")
        found = named(instance, fallback, None, told)
        revision = getattr(model.config, "_commit_hash", None)
        return Card(
            found if found.version or not revision else found._replace(version=str(revision)[:12]),
            self.framework,
            version_of("transformers"),
            None,
            told,
        )

    def rows(self, data: Any) -> int:
        return len(data) if isinstance(data, list | tuple) else 1

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        """Lengths of texts, in characters."""
        given = data if isinstance(data, list | tuple) else [data]
        if not all(isinstance(text, str) for text in given):
            return ()
        lengths = np.array([[float(len(text))] for text in given])
        return (Block(Role.FEATURE, ("text.length",), lengths),) if given else ()

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        """The best label of each input, and its score."""
        if not isinstance(result, list | dict):
            raise TypeError(f"a {type(result).__name__} yields its results later")
        given = [result] if isinstance(result, dict) else result
        if len(given) > call.rows == 1:  # all labels of a single input
            given = [given]
        best = [
            max(each, key=lambda one: one.get("score", 0.0)) if isinstance(each, list) else each
            for each in given
        ]
        told = [one for one in best if isinstance(one, dict) and "label" in one and "score" in one]
        if not told or not str(card.task).endswith("_classification"):
            return
        yield classified([one["label"] for one in told])
        scores = np.array([[float(one["score"])] for one in told])
        if ((scores >= 0) & (scores <= 1)).all():
            yield Block(Role.CONFIDENCE, ("",), scores)


class TransformersInstrumentor(Instrumentor):
    """Hooks of transformers."""

    modules: ClassVar[tuple[str, ...]] = ("transformers.pipelines.base", "transformers.pipelines")
    distribution: ClassVar[str] = "transformers"
    supported: ClassVar[str] = ">=4.40"
    covers: ClassVar[Coverage] = Coverage(
        "calls of a `pipeline`", features=True, confidence=True, classes=True, load="`pipeline`"
    )
    reader: ClassVar[Reader] = _PipelineReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "transformers.pipelines":
            patches.wrap(module, "pipeline", Loader(self.reader, _named))
            return
        caller = Caller(self.reader)

        def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            return caller.call("predict", wrapped, instance, args, kwargs)

        patches.wrap(module.Pipeline, "__call__", call)


def _named(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The path or name that a pipeline's model is loaded from; None if it is there already."""
    model = args[1] if len(args) > 1 else kwargs.get("model")
    return model if isinstance(model, str) else None
