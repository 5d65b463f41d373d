"""CatBoost: the predicting methods of its classes, which are not scikit-learn's."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, silently
from otelml.hooks._reader import (
    Card,
    Column,
    Reader,
    classified,
    named,
    numeric,
    probabilities,
    task_of,
    version_of,
)

_CLASSES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
_PREDICTING = ("predict", "predict_proba", "predict_log_proba")


class _CatboostReader(Reader):
    framework = "catboost"
    parameter = "data"

    def describe(self, instance: Any, data: Any) -> Card:
        columns = tuple(instance.feature_names_ or ())
        if columns == tuple(map(str, range(len(columns)))):
            columns = tuple(f"x{i}" for i in range(len(columns)))  # CatBoost's own for unnamed
        known = getattr(instance, "classes_", None)
        classes = known if known is not None and len(known) else None
        task = task_of(classes, regressor=True)
        return Card(
            named(instance, type(instance).__name__, columns, task),
            self.framework,
            version_of("catboost"),
            columns,
            task,
            classes,
        )

    def rows(self, data: Any) -> int:
        if hasattr(data, "num_row"):
            return int(data.num_row())
        return 1 if _is_single(data) else super().rows(data)

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        if hasattr(data, "get_features"):  # a Pool; it does not tell categorical ones
            data = np.asarray(data.get_features())
        elif _is_single(data):
            data = [data]
        return super().inputs(card, data)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        kind = call.options.get("prediction_type")
        if call.operation != "predict" or kind in ("Probability", "LogProbability"):
            values = np.atleast_2d(np.asarray(result, np.float64))
            logs = call.operation == "predict_log_proba" or kind == "LogProbability"
            yield from probabilities(
                np.exp(values) if logs else values, card.facts, classes_too=True
            )
        elif card.facts is None:
            yield numeric(result)
        elif kind in (None, "Class"):
            yield classified(np.asarray(result).ravel())


def _is_single(data: Any) -> bool:
    """Whether it is one object: a list of its values."""
    if isinstance(data, list | tuple):
        return (bool(data) and not hasattr(data[0], "__len__")) or all(
            isinstance(value, str) for value in data
        )
    return getattr(data, "ndim", 2) == 1


class CatboostInstrumentor(Instrumentor):
    """Hooks of CatBoost."""

    modules: ClassVar[tuple[str, ...]] = ("catboost.core",)
    distribution: ClassVar[str] = "catboost"
    supported: ClassVar[str] = ">=1.2"
    covers: ClassVar[Coverage] = Coverage(
        "`predict`, `predict_proba`, `predict_log_proba`",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`load_model`",
    )
    reader: ClassVar[Reader] = _CatboostReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the module's classes."""
        caller = Caller(self.reader)
        for cls in (getattr(module, name) for name in _CLASSES):
            for name in _PREDICTING:
                patches.wrap(cls, name, caller)
            for name in ("fit", "score", "grid_search", "randomized_search"):
                patches.wrap(cls, name, self._fitting)
            patches.wrap(cls, "load_model", Loader(self.reader, whole, fills=True))

    def _fitting(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        self.reader.forget(instance)
        return silently(wrapped, instance, args, kwargs)
