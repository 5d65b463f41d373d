"""What estimators of scikit-learn, and what looks like them, take and give."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from otelml.data import Block, Role
from otelml.hooks._call import Call
from otelml.hooks._patch import guarded
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
    task_of,
    version_of,
)
from otelml.recording.arrays import plain
from otelml.recording.columns import as_array, column

_UNKNOWN: Final = ()  # classes that a classifier does not tell
_LIBRARIES: Final = ("xgboost", "lightgbm")  # whose estimators are built on scikit-learn's
_MARGINS: Final = ("output_margin", "raw_score")  # options of theirs, by which they
_NOT_PREDICTIONS: Final = ("pred_leaf", "pred_contrib")  # give something else


class EstimatorReader(Reader):
    """Reads what estimators, and what looks like them, take and give."""

    framework = "sklearn"
    telling = frozenset({"predict_proba", "inplace_predict"})

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The input; an estimator of the app's own may have another name for it."""
        return args[0] if args else kwargs.get(self.parameter, next(iter(kwargs.values()), None))

    def describe(self, instance: Any, data: Any) -> Card:
        """Name, features, task and classes of an estimator."""
        columns = guarded(_columns, instance, data)
        kind, classes = guarded(_kind, instance), guarded(_classes, instance)
        final = _final(instance)
        library = type(final).__module__.partition(".")[0]
        library = library if library in _LIBRARIES else self.framework
        task = _task(kind, classes)
        return Card(
            named(instance, type(final).__name__, columns, task),
            library,
            version_of(library),
            columns,
            task,
            _UNKNOWN if classes is None and kind == "classifier" else classes,
        )

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        """Predictions, scores and confidences of a call."""
        if call.options:
            if any(map(call.options.get, _NOT_PREDICTIONS)):
                return
            if any(map(call.options.get, _MARGINS)):
                yield margin(result)
                return
        match call.operation:
            case "predict":
                yield from self._predicted(card, result)
                inner = call.inner.get("predict_proba")
                if inner and (
                    inner.instance is call.instance or inner.instance is _final(call.instance)
                ):
                    yield from _several(inner.result, card.facts, classes_too=False)
                elif "inplace_predict" in call.inner:
                    yield from _boosted(call, card.facts)
            case "predict_proba":
                yield from _several(result, card.facts, classes_too=True)
            case "predict_log_proba":
                logs = result if isinstance(result, list) else [result]
                with np.errstate(under="ignore"):  # the app's own may be to raise
                    found = [np.exp(each) for each in logs]
                yield from _several(
                    found if isinstance(result, list) else found[0], card.facts, classes_too=True
                )
            case "decision_function" | "score_samples":
                density = card.task is None and card.facts is None  # labels have no task, too
                if density or card.task == "anomaly_detection":
                    yield numeric(np.asarray(result).ravel(), call.operation)

    def _predicted(self, card: Card, result: Any) -> Iterator[Column]:
        if isinstance(result, tuple) and result and np.ndim(result[0]):
            result = result[0]  # return_std, return_cov: how sure it is comes after
        values = as_array(result) if hasattr(result, "toarray") else plain(result)
        if card.task == "regression" and values.ndim == 1 and values.dtype == np.float64:
            yield Block(Role.PREDICTION, ("",), values.reshape(-1, 1).copy())
            return
        unknown = card.task is None and card.facts is None
        numbers = card.task == "regression" or (unknown and values.dtype.kind == "f")
        several = values.ndim == 2 and values.shape[1] > 1
        for number, each in enumerate(values.T[:MOST_OUTPUTS] if several else [values.ravel()]):
            name = f"y{number}" if several else ""
            if numbers:
                yield column(Role.PREDICTION, name, each)
            else:
                yield classified(each, name)


def _columns(instance: Any, data: Any) -> tuple[str, ...] | None:
    """Names of an estimator's features, or else of the columns that it is given."""
    known = getattr(instance, "feature_names_in_", None)
    if known is None:
        named = "column_names" if hasattr(data, "column_names") else "columns"  # Arrow's are data
        known = guarded(getattr, data, named, None)
    if known is not None:
        return tuple(map(str, known))
    width = getattr(instance, "n_features_in_", None)
    return tuple(f"x{i}" for i in range(width)) if isinstance(width, int) else None


def _classes(instance: Any) -> Any:
    """The classes of an estimator, or a list of those of each of its outputs."""
    known: Any = getattr(instance, "classes_", None)
    if isinstance(known, list) and known and not np.ndim(known[0]):
        known = plain(known)
    final = _final(instance)
    for name in ("label_binarizer_", "_label_binarizer"):
        if str(getattr(getattr(final, name, None), "y_type_", "")).startswith("multilabel"):
            return [np.array([0, 1])] * len(known)  # each label is there or is not
    if known is not None and hasattr(final, "get_booster"):  # XGBoost does not count labels
        model = json.loads(final.get_booster().save_config())["learner"]["learner_model_param"]
        if (labels := int(model.get("num_target", 1))) > 1:
            return [np.array([0, 1])] * labels
    return known if isinstance(known, list) or np.ndim(known) == 1 else None


def _boosted(call: Call, classes: Any) -> Iterator[Column]:
    """Columns of the probabilities from which XGBoost's classifiers choose."""
    inner = call.inner["inplace_predict"].result
    match getattr(_final(call.instance), "objective", None):
        case "binary:logistic" if isinstance(classes, list):
            yield from _several(inner, classes, classes_too=False)
        case "binary:logistic":
            yield from positives(inner, classes, classes_too=False)
        case "multi:softprob":
            yield from probabilities(inner, classes, classes_too=False)


def _several(result: Any, classes: Any, *, classes_too: bool) -> Iterator[Column]:
    """Columns of the probabilities of a model of one output, or of several.

    Those come as a list of matrices, or as a matrix of the second class of each.
    """
    several = isinstance(classes, list)
    if isinstance(result, list):
        for number, matrix in enumerate(result[:MOST_OUTPUTS]):
            known = classes[number] if several else None
            yield from probabilities(matrix, known, f"y{number}", classes_too=classes_too)
    elif several:
        labelled = zip(classes, np.asarray(result).T, strict=True)
        for number, (known, scores) in enumerate([*labelled][:MOST_OUTPUTS]):
            yield from positives(scores, known, f"y{number}", classes_too=classes_too)
    else:
        yield from probabilities(result, classes, classes_too=classes_too)


def _task(kind: str | None, classes: Any) -> str | None:
    if kind == "outlier_detector":
        return "anomaly_detection"
    if kind == "clusterer":
        return "clustering"
    return task_of(classes, regressor=kind == "regressor")


def _kind(instance: Any) -> str | None:
    base = sys.modules.get("sklearn.base")
    if base is None or not isinstance(instance, base.BaseEstimator):
        return getattr(instance, "_estimator_type", None)
    for kind in ("regressor", "classifier", "outlier_detector", "clusterer"):
        test = getattr(base, f"is_{kind}", None)  # is_clusterer is of 1.6
        if test is not None and test(instance):
            return kind
    if isinstance(_final(instance), base.RegressorMixin):  # behind a base that tells nothing
        return "regressor"
    return getattr(instance, "_estimator_type", None)


def _final(instance: Any) -> Any:
    """The estimator that decides: the last step of a pipeline, the best of a search."""
    for _ in range(8):
        steps = guarded(getattr, instance, "steps", None)
        if isinstance(steps, list) and steps and hasattr(steps[-1][1], "predict"):
            instance = steps[-1][1]
        elif "best_estimator_" in getattr(instance, "__dict__", {}):
            instance = instance.best_estimator_
        else:
            break
    return instance
