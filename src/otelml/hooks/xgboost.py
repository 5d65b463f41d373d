"""XGBoost: the native `Booster`; its scikit-learn classes come with scikit-learn's hook."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, process, silently
from otelml.hooks._reader import (
    MOST_OUTPUTS,
    Card,
    Column,
    Reader,
    classified,
    margin,
    named,
    numeric,
    positives,
    probabilities,
    version_of,
)
from otelml.recording.columns import table

_CLASSES = ("multi:softmax", "binary:hinge")  # objectives by which it predicts no numbers
_NOT_PREDICTIONS = ("pred_leaf", "pred_contribs", "approx_contribs", "pred_interactions")


class _BoosterReader(Reader):
    framework = "xgboost"
    parameter = "data"

    def describe(self, instance: Any, data: Any) -> Card:
        booster = instance.get_booster() if hasattr(instance, "get_booster") else instance
        names = booster.feature_names
        columns = tuple(names or (f"x{i}" for i in range(booster.num_features())))
        learner = json.loads(booster.save_config())["learner"]
        objective = learner["learner_train_param"]["objective"]
        classes = int(learner["learner_model_param"]["num_class"])
        several = int(learner["learner_model_param"].get("num_target", 1)) > 1
        task = None if several and objective.startswith("binary") else _task(objective)
        return Card(
            named(instance, type(instance).__name__, columns, task),
            self.framework,
            version_of("xgboost"),
            columns,
            task,
            (objective, np.arange(max(classes, 2))),
        )

    def rows(self, data: Any) -> int:
        return int(data.num_row()) if hasattr(data, "num_row") else super().rows(data)

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        if not hasattr(data, "get_data"):
            return super().inputs(card, data)
        settings = process().settings
        values = _dense(data)
        names = data.feature_names or [f"x{i}" for i in range(values.shape[1])]
        categorical = [kind == "c" for kind in data.feature_types or [""] * len(names)]
        columns = {
            name: _categories(column) if is_code else column
            for name, column, is_code in zip(names, values.T, categorical, strict=True)
        }
        return table(columns, settings.exclude_features, settings.max_features)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        objective, classes = card.facts
        options = call.options
        if any(options.get(name) for name in _NOT_PREDICTIONS):
            return
        if options.get("output_margin") or options.get("predict_type") == "margin":
            yield margin(result)
            return
        if objective == "multi:softprob":
            yield from probabilities(result, classes, classes_too=True)
            return
        values = np.asarray(result)
        several = values.ndim == 2 and values.shape[1] > 1  # targets, labels or quantiles
        for number, each in enumerate(values.T[:MOST_OUTPUTS] if several else [values.ravel()]):
            name = f"y{number}" if several else ""
            if objective == "binary:logistic":
                yield from positives(each, classes, name, classes_too=True)
            elif objective in _CLASSES:
                yield classified(each.astype(int), name)
            else:
                yield numeric(each, name)


def _dense(matrix: Any) -> Any:
    """The values of a `DMatrix`, where what is absent is missing."""
    sparse = matrix.get_data().tocoo()
    values = np.full(sparse.shape, np.nan)
    values[sparse.row, sparse.col] = sparse.data
    return values


def _categories(codes: Any) -> Any:
    """Codes of categories, as text, for they are no numbers."""
    return np.array([None if code != code else str(int(code)) for code in codes], object)  # noqa: PLR0124


def _task(objective: str) -> str:
    kind = objective.partition(":")[0]
    return {"binary": "binary_classification", "multi": "multiclass_classification"}.get(
        kind, "ranking" if kind == "rank" else "regression"
    )


class XgboostInstrumentor(Instrumentor):
    """Hooks of XGBoost."""

    modules: ClassVar[tuple[str, ...]] = ("xgboost.core", "xgboost.sklearn", "xgboost.training")
    distribution: ClassVar[str] = "xgboost"
    supported: ClassVar[str] = ">=2.0"
    covers: ClassVar[Coverage] = Coverage(
        "`Booster.predict`, `Booster.inplace_predict`; its scikit-learn classes",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`load_model`, `Booster(model_file=)`",
    )
    reader: ClassVar[Reader] = _BoosterReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "xgboost.core":
            caller = Caller(self.reader)
            patches.wrap(module.Booster, "predict", caller)
            patches.wrap(module.Booster, "inplace_predict", caller)
            patches.wrap(module.Booster, "load_model", Loader(self.reader, whole, fills=True))
        elif module.__name__ == "xgboost.sklearn":
            patches.wrap(module.XGBModel, "load_model", Loader(self.reader, whole, fills=True))
        else:
            for name in ("train", "cv"):
                patches.wrap(module, name, silently)
