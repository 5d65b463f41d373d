"""LightGBM: the native `Booster`; its scikit-learn classes come with scikit-learn's hook."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader
from otelml.hooks._patch import Coverage, Instrumentor, Patches, silently
from otelml.hooks._reader import (
    Card,
    Column,
    Reader,
    margin,
    named,
    numeric,
    positives,
    probabilities,
    version_of,
)

_TASKS = {
    "binary": "binary_classification",
    "multiclass": "multiclass_classification",
    "multiclassova": "multiclass_classification",
    "lambdarank": "ranking",
    "rank_xendcg": "ranking",
}


def _file(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The file, or else the text, that a booster is made from; None if it is trained."""
    params, train_set, file, text = (*args, *[None] * 4)[:4]
    del params, train_set
    return kwargs.get("model_file", file) or kwargs.get("model_str", text)


class _BoosterReader(Reader):
    framework = "lightgbm"
    parameter = "data"

    def describe(self, instance: Any, data: Any) -> Card:
        columns = tuple(instance.feature_name())
        if columns == tuple(f"Column_{i}" for i in range(len(columns))):
            columns = tuple(f"x{i}" for i in range(len(columns)))  # LightGBM's own for unnamed
        objective = _objective(instance)
        classes = np.arange(max(instance.num_model_per_iteration(), 2))
        task = _TASKS.get(objective, "regression")
        return Card(
            named(instance, type(instance).__name__, columns, task),
            self.framework,
            version_of("lightgbm"),
            columns,
            task,
            classes,
        )

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        options = call.options
        if options.get("pred_leaf") or options.get("pred_contrib"):
            return
        if options.get("raw_score"):
            yield margin(result)
        elif card.task == "binary_classification":
            yield from positives(result, card.facts, classes_too=True)
        elif card.task == "multiclass_classification":
            yield from probabilities(result, card.facts, classes_too=True)
        else:
            yield numeric(result)


def _objective(booster: Any) -> str:
    """The objective, from the head of the model's text: of a loaded one it is nowhere else."""
    head = booster.model_to_string(num_iteration=1).partition("\n\n")[0]
    told = dict(line.partition("=")[::2] for line in head.splitlines())
    return str(told.get("objective", "")).partition(" ")[0]


class LightgbmInstrumentor(Instrumentor):
    """Hooks of LightGBM."""

    modules: ClassVar[tuple[str, ...]] = ("lightgbm.basic", "lightgbm.engine")
    distribution: ClassVar[str] = "lightgbm"
    supported: ClassVar[str] = ">=4.0"
    covers: ClassVar[Coverage] = Coverage(
        "`Booster.predict`; its scikit-learn classes",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`Booster(model_file=)`",
    )
    reader: ClassVar[Reader] = _BoosterReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "lightgbm.basic":
            booster = module.Booster
            patches.wrap(booster, "predict", Caller(self.reader))
            patches.wrap(booster, "__init__", Loader(self.reader, _file, fills=True))
        else:
            for name in ("train", "cv"):
                patches.wrap(module, name, silently)
