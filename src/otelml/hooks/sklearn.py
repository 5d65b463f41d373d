"""scikit-learn: every estimator's predict, predict_proba and decision_function, and joblib's load.

Methods are wrapped in the class that defines them, as classes appear: the seam is the
`__init_subclass__` of the estimators' base, so that third-party estimators are covered too.
"""

import sys
import time
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np
import wrapt
from opentelemetry import context

from otelml.data import Block, Labels, Role
from otelml.hooks._call import Call, Caller, Card
from otelml.hooks._patch import Instrumentor, Patches, guarded, outer, process, silently
from otelml.record.columns import column, features, labels, rows
from otelml.record.naming import REGISTRY

_PREDICTING: Final = ("predict", "predict_proba", "decision_function")
_SILENT: Final = ("fit", "fit_predict", "fit_transform", "partial_fit", "score")
_VALIDATION: Final = (
    "cross_validate",
    "cross_val_predict",
    "cross_val_score",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
)


class SklearnInstrumentor(Instrumentor):
    """Hooks of scikit-learn."""

    modules: ClassVar[tuple[str, ...]] = (
        "sklearn.base",
        "sklearn.model_selection._validation",
        "sklearn.utils.parallel",
        "joblib",
    )

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
            case "joblib":
                patches.wrap(module, "load", _load)

    def _install_base(self, module: Any, patches: Patches) -> None:
        reader = _SklearnReader(module)
        caller = Caller("sklearn", reader, rows)
        caller.tracer_provider = self.tracer_provider

        def fitting(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            reader.forget(instance)
            return silently(wrapped, instance, args, kwargs)

        def wrap(cls: type) -> None:
            for names, wrapper in ((_PREDICTING, caller), (_SILENT, fitting)):
                for name in names:
                    for owner in cls.__mro__:
                        if name in vars(owner):
                            if _is_method(vars(owner)[name]) and owner is not object:
                                patches.wrap(owner, name, wrapper)
                            break

        base = next(cls for cls in module.BaseEstimator.__mro__ if "__init_subclass__" in vars(cls))
        original = vars(base)["__init_subclass__"].__func__

        def __init_subclass__(cls: Any, /, **kwargs: Any) -> None:  # noqa: N807
            original(cls, **kwargs)
            guarded(wrap, cls)

        patches.replace(base, "__init_subclass__", classmethod(__init_subclass__))
        for cls in _subclasses(base):
            guarded(wrap, cls)


class _SklearnReader:
    """Reads what estimators take and give."""

    def __init__(self, base: Any) -> None:
        self._base = base
        self._version = str(sys.modules["sklearn"].__version__)
        self._cards: dict[int, tuple[Any, Card]] = {}

    def forget(self, instance: Any) -> None:
        """The estimator is trained anew."""
        self._cards.pop(id(instance), None)

    def card(self, instance: Any, data: Any) -> Card:
        """Name, features, task and classes of an estimator."""
        known = self._cards.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        given = getattr(instance, "feature_names_in_", None)
        if given is None and hasattr(data, "columns"):
            given = data.columns
        width = getattr(instance, "n_features_in_", None)
        features_in = (
            tuple(map(str, given))
            if given is not None
            else tuple(f"x{i}" for i in range(width))
            if isinstance(width, int)
            else None
        )
        final = _final(instance)
        classes = getattr(instance, "classes_", None)
        regressor = bool(self._base.is_regressor(instance))
        settings = process().settings
        model = REGISTRY.find(instance, type(final).__name__, features_in or (), settings)
        card = Card(
            model, "sklearn", self._version, features_in, _task(classes, regressor), classes
        )
        identity = id(instance)
        self._cards[identity] = (
            weakref.ref(instance, lambda _: self._cards.pop(identity, None)),
            card,
        )
        return card

    def inputs(self, card: Card, data: Any) -> tuple[Block | Labels, ...]:
        """The features of a call."""
        settings = process().settings
        return features(data, card.features, settings.exclude_features, settings.max_features)

    def outputs(self, card: Card, call: Call, result: Any) -> tuple[Block | Labels, ...]:
        """Predictions, scores and confidences of a call."""
        return tuple(self._outputs(card, call, result))

    def _outputs(self, card: Card, call: Call, result: Any) -> Iterator[Block | Labels]:
        if call.operation == "predict_proba":
            yield from _probabilities(result, card.facts, classes_too=True)
        elif call.operation == "predict":
            array = np.asarray(result)
            if card.task == "regression" and array.ndim == 1 and array.dtype == np.float64:
                yield Block(Role.PREDICTION, ("",), array.reshape(-1, 1).copy())
                return
            several = array.ndim == 2 and array.shape[1] > 1
            outputs = array.T if several else [array.ravel()]
            for number, values in enumerate(outputs):
                name = f"y{number}" if several else ""
                if card.task == "regression":
                    yield column(Role.PREDICTION, name, values)
                else:
                    yield Labels(Role.PREDICTION, name, tuple(labels(values)))
            instance, inner = call.inner.get("predict_proba", (None, None))
            if instance is not None and (
                instance is call.instance or instance is _final(call.instance)
            ):
                yield from _probabilities(inner, card.facts, classes_too=False)
        elif card.task is None:
            yield column(Role.PREDICTION, "", np.asarray(result).ravel())


def _probabilities(result: Any, classes: Any, *, classes_too: bool) -> Iterator[Block | Labels]:
    """Scores, confidence and (of a call for probabilities alone) classes; outputs one by one."""
    several = isinstance(result, list)
    outputs = result if several else [result]
    for number, matrix in enumerate(outputs):
        name = f"y{number}" if several else ""
        known = classes[number] if several and classes is not None else classes
        values = np.asarray(matrix, np.float64)
        if values.ndim != 2 or not len(values):
            continue
        yield Block(Role.CONFIDENCE, (name,), values.max(axis=1, keepdims=True))
        if values.shape[1] == 2:
            yield Block(Role.SCORE, (name,), values[:, 1:].copy())
        elif known is not None and len(known) == values.shape[1]:
            for label, scores in zip(labels(known)[:64], values.T, strict=False):
                told = (("ml.prediction.class", str(label)),)
                yield Block(Role.SCORE, (name,), scores.reshape(-1, 1).copy(), labels=told)
        if classes_too and known is not None and len(known) == values.shape[1]:
            chosen = np.asarray(known)[values.argmax(axis=1)]
            yield Labels(Role.PREDICTION, name, tuple(labels(chosen)))


def _task(classes: Any, regressor: bool) -> str | None:
    if classes is not None and not isinstance(classes, list):
        return "binary_classification" if len(classes) == 2 else "multiclass_classification"
    return "regression" if regressor else None


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
    return not isinstance(value, property | staticmethod | classmethod | wrapt.FunctionWrapper)


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


def _load(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Time a load, and remember where the model came from."""
    source = args[0] if args else kwargs.get("filename")
    started = time.perf_counter()
    result = wrapped(*args, **kwargs)
    guarded(_loaded, result, source, time.perf_counter() - started)
    return result


def _loaded(result: Any, source: Any, seconds: float) -> None:
    if hasattr(result, "predict"):
        model = REGISTRY.loaded(result, getattr(source, "name", source))
        shared = process()
        if shared.bridge.serving():
            shared.recorder.load(model, "sklearn", seconds, None)
