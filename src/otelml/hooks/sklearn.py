"""scikit-learn: every estimator's predict-like methods, and what loads them.

Methods are wrapped in the class that defines them, as classes appear: the seam is the
`__init_subclass__` of the estimators' base, so that third-party estimators are covered too.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from otelml.hooks._call import Caller
from otelml.hooks._estimator import EstimatorReader
from otelml.hooks._joblib import in_context
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, silently
from otelml.hooks._reader import Reader

_PREDICTING: Final = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
)
_TRAINING: Final = ("fit", "fit_predict", "fit_resample", "fit_transform", "partial_fit", "score")
_VALIDATION: Final = (
    "cross_validate",
    "cross_val_predict",
    "cross_val_score",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
    # What these call, for apps that imported them before they were wrapped:
    "_fit_and_predict",
    "_fit_and_score",
    "_incremental_fit_estimator",
    "_permutation_test_score",
)


def _is_method(value: Any) -> bool:
    """Whether it can be wrapped: a function, or sklearn's descriptor of a conditional method."""
    return not isinstance(value, property | staticmethod | classmethod)


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def _is_model(result: Any) -> bool:
    return hasattr(result, "predict") or hasattr(result, "transform")


def _predicts(instance: Any) -> bool:
    """Whether an estimator predicts; its properties, which may be anything, are not read."""
    found = getattr(type(instance), "predict", None)
    if not callable(found):
        return found is not None
    return bool(guarded(hasattr, instance, "predict"))


class SklearnInstrumentor(Instrumentor):
    """Hooks of scikit-learn."""

    modules: ClassVar[tuple[str, ...]] = (
        "sklearn.base",
        "sklearn.model_selection._validation",
        "sklearn.metrics._scorer",
        "sklearn.inspection._partial_dependence",
        "sklearn.inspection._permutation_importance",
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
    reader: ClassVar[Reader] = EstimatorReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        match module.__name__:
            case "sklearn.base":
                self._install_base(module, patches)
            case "sklearn.model_selection._validation":
                for name in _VALIDATION:
                    patches.wrap(module, name, silently)
            case "sklearn.metrics._scorer":
                for scorer in (module._BaseScorer, module._MultimetricScorer):  # noqa: SLF001
                    patches.wrap(scorer, "__call__", silently)
            case "sklearn.inspection._partial_dependence":
                patches.wrap(module, "_partial_dependence_brute", silently)
            case "sklearn.inspection._permutation_importance":
                patches.wrap(module, "_weights_scorer", silently)  # it calls any function
            case _:
                if module.__name__ == "joblib":
                    patches.wrap(module.Parallel, "__call__", in_context)
                patches.wrap(module, "load", Loader(self.reader, whole, _is_model))

    def _install_base(self, module: Any, patches: Patches) -> None:
        reader = self.reader
        caller = Caller(reader)

        def fitting(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            reader.forget(instance)
            return silently(wrapped, instance, args, kwargs)

        def transforming(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if _predicts(instance):
                return silently(wrapped, instance, args, kwargs)
            return caller.call("transform", wrapped, instance, args, kwargs)

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
