"""scikit-learn: every estimator's predict-like methods, and what loads them.

Methods are wrapped in the class that defines them, as classes appear: the seam is the
`__init_subclass__` of the estimators' base, so that third-party estimators are covered too.
"""

import sys
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np
from opentelemetry import context

from otelml.data import Block, Role
from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, outer, silently
from otelml.hooks._reader import (
    Card,
    Column,
    Reader,
    classified,
    named,
    numeric,
    positives,
    probabilities,
    task_of,
    version_of,
)
from otelml.recording.columns import column

_PREDICTING: Final = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
)
_TRAINING: Final = ("fit", "fit_predict", "fit_transform", "partial_fit", "score")
_LIBRARIES: Final = ("xgboost", "lightgbm")  # whose estimators are built on scikit-learn's
_VALIDATION: Final = (
    "cross_validate",
    "cross_val_predict",
    "cross_val_score",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
)


class _SklearnReader(Reader):
    """Reads what estimators, and what looks like them, take and give."""

    framework = "sklearn"
    by_row = True

    def alone(self, call: Any) -> bool:
        """Whether probabilities from within tell more than the classes that a call returned."""
        within = call.inner
        return bool(within) and ("predict_proba" in within or "inplace_predict" in within)

    def describe(self, instance: Any, data: Any) -> Card:
        """Name, features, task and classes of an estimator."""
        known = getattr(instance, "feature_names_in_", None)
        if known is None:
            known = guarded(getattr, data, "columns", None)
        width = getattr(instance, "n_features_in_", None)
        columns = (
            tuple(map(str, known))
            if known is not None
            else tuple(f"x{i}" for i in range(width))
            if isinstance(width, int)
            else None
        )
        final = _final(instance)
        classes = getattr(instance, "classes_", None)
        library = type(final).__module__.partition(".")[0]
        library = library if library in _LIBRARIES else self.framework
        task = _task(instance, classes)
        return Card(
            named(instance, type(final).__name__, columns, task),
            library,
            version_of(library),
            columns,
            task,
            classes,
        )

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        """Predictions, scores and confidences of a call."""
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
                found = [np.exp(each) for each in logs]
                yield from _several(
                    found if isinstance(result, list) else found[0], card.facts, classes_too=True
                )
            case "decision_function" | "score_samples":
                values = np.asarray(result)
                if card.task is None or card.task == "anomaly_detection":
                    yield numeric(values.ravel(), call.operation if card.task else "")

    def _predicted(self, card: Card, result: Any) -> Iterator[Column]:
        values = np.asarray(result)
        if card.task == "regression" and values.ndim == 1 and values.dtype == np.float64:
            yield Block(Role.PREDICTION, ("",), values.reshape(-1, 1).copy())
            return
        several = values.ndim == 2 and values.shape[1] > 1
        for number, each in enumerate(values.T if several else [values.ravel()]):
            name = f"y{number}" if several else ""
            if card.task == "regression":
                yield column(Role.PREDICTION, name, each)
            else:
                yield classified(each, name)


def _boosted(call: Call, classes: Any) -> Iterator[Column]:
    """Columns of the probabilities from which XGBoost's classifiers choose."""
    inner = call.inner["inplace_predict"].result
    match getattr(_final(call.instance), "objective", None):
        case "binary:logistic":
            yield from positives(inner, classes, classes_too=False)
        case "multi:softprob":
            yield from probabilities(inner, classes, classes_too=False)


def _several(result: Any, classes: Any, *, classes_too: bool) -> Iterator[Column]:
    """Columns of the probabilities of a model of one output, or of a list of several."""
    if not isinstance(result, list):
        yield from probabilities(result, classes, classes_too=classes_too)
        return
    for number, matrix in enumerate(result):
        known = classes[number] if classes is not None else None
        yield from probabilities(matrix, known, f"y{number}", classes_too=classes_too)


def _task(instance: Any, classes: Any) -> str | None:
    base = sys.modules.get("sklearn.base")
    kind = guarded(_kind, instance) if base is not None else None
    if kind == "outlier_detector":
        return "anomaly_detection"
    if kind == "clusterer":
        return "clustering"
    return task_of(classes, regressor=kind == "regressor")


def _kind(instance: Any) -> str | None:
    base = sys.modules["sklearn.base"]
    if not isinstance(instance, base.BaseEstimator):
        return getattr(instance, "_estimator_type", None)
    for kind in ("regressor", "classifier", "outlier_detector", "clusterer"):
        test = getattr(base, f"is_{kind}", None)  # is_clusterer is of 1.6
        if test is not None and test(instance):
            return kind
    return getattr(instance, "_estimator_type", None)


def _final(instance: Any) -> Any:
    """The estimator that decides: the last step of a pipeline, the best of a search."""
    for _ in range(8):
        steps = getattr(instance, "steps", None)
        if isinstance(steps, list) and steps and hasattr(steps[-1][1], "predict"):
            instance = steps[-1][1]
        elif "best_estimator_" in getattr(instance, "__dict__", {}):
            instance = instance.best_estimator_
        else:
            break
    return instance


def _is_method(value: Any) -> bool:
    """Whether it can be wrapped: a function, or sklearn's descriptor of a conditional method."""
    return not isinstance(value, property | staticmethod | classmethod)


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


class _InContext:
    """A task that runs in the context of whoever dispatched it; pickled, it is the bare task."""

    def __init__(self, function: Any, where: context.Context) -> None:
        self._function, self._where = function, where

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = context.attach(self._where)
        try:
            return self._function(*args, **kwargs)
        finally:
            context.detach(token)

    def __reduce__(self) -> tuple[Any, ...]:
        return _bare, (self._function,)


def _bare(function: Any) -> Any:
    return function


def _in_context(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Carry the enclosing call into joblib's threads, so that what runs there is within it."""
    if outer() is None or not args:
        return wrapped(*args, **kwargs)
    here = context.get_current()

    def tasks() -> Iterator[Any]:
        for task, task_args, task_kwargs in args[0]:
            if hasattr(task, "function"):
                task.function = _InContext(task.function, here)
            yield task, task_args, task_kwargs

    return wrapped(tasks(), *args[1:], **kwargs)


def _is_model(result: Any) -> bool:
    return hasattr(result, "predict") or hasattr(result, "transform")


class SklearnInstrumentor(Instrumentor):
    """Hooks of scikit-learn."""

    modules: ClassVar[tuple[str, ...]] = (
        "sklearn.base",
        "sklearn.model_selection._validation",
        "sklearn.utils.parallel",
        "joblib",
        "skops.io",
        "cloudpickle",
    )
    distribution: ClassVar[str] = "scikit-learn"
    supported: ClassVar[str] = ">=1.4"
    covers: ClassVar[Coverage] = Coverage(
        "`predict`, `predict_proba`, `predict_log_proba`, `decision_function`, `score_samples`; "
        "`transform` of what only transforms",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="joblib, skops, cloudpickle",
    )
    reader: ClassVar[Reader] = _SklearnReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        match module.__name__:
            case "sklearn.base":
                self._install_base(module, patches)
            case "sklearn.model_selection._validation":
                for name in _VALIDATION:
                    patches.wrap(module, name, silently)
            case "sklearn.utils.parallel":
                patches.wrap(module.Parallel, "__call__", _in_context)
            case _:
                patches.wrap(module, "load", Loader(self.reader, whole, _is_model))

    def _install_base(self, module: Any, patches: Patches) -> None:
        reader = self.reader
        caller = Caller(reader)

        def fitting(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            reader.forget(instance)
            return silently(wrapped, instance, args, kwargs)

        def transforming(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            called = silently if hasattr(instance, "predict") else caller
            return called(wrapped, instance, args, kwargs)

        def wrap(cls: type) -> None:
            wrappers = ((_PREDICTING, caller), (("transform",), transforming), (_TRAINING, fitting))
            for methods, wrapper in wrappers:
                for name in methods:
                    owner = next((c for c in cls.__mro__ if name in vars(c)), object)
                    if owner is not object and _is_method(vars(owner)[name]):
                        patches.wrap(owner, name, wrapper)

        base = next(cls for cls in module.BaseEstimator.__mro__ if "__init_subclass__" in vars(cls))
        original = vars(base)["__init_subclass__"].__func__

        def __init_subclass__(cls: Any, /, **kwargs: Any) -> None:  # noqa: N807
            original(cls, **kwargs)
            guarded(wrap, cls)

        patches.replace(base, "__init_subclass__", classmethod(__init_subclass__))
        for cls in _subclasses(base):
            guarded(wrap, cls)
