"""statsmodels: what fitted results predict and forecast. Models predict while they are fitted."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, told_by, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded, silently
from otelml.hooks._reader import (
    Card,
    Column,
    Reader,
    named,
    numeric,
    positives,
    probabilities,
    version_of,
)
from otelml.recording.naming import REGISTRY

_RESULTS: Final = {  # module -> its classes of results that predict in their own way
    "statsmodels.base.model": ("Results",),
    "statsmodels.tsa.statespace.mlemodel": ("MLEResults",),
    "statsmodels.tsa.ar_model": ("AutoRegResults",),
    "statsmodels.tsa.ardl.model": ("ARDLResults",),
    "statsmodels.tsa.holtwinters.results": ("HoltWintersResults",),
    "statsmodels.tsa.exponential_smoothing.ets": ("ETSResults",),
    "statsmodels.tsa.regime_switching.markov_switching": ("MarkovSwitchingResults",),
    "statsmodels.duration.hazard_regression": ("PHRegResults",),
    "statsmodels.gam.generalized_additive_model": ("GLMGamResults",),
}
_PREDICTING: Final = ("predict", "forecast", "get_prediction", "get_forecast")
_BINARY: Final = ("Logit", "Probit")


class _ResultsReader(Reader):
    framework = "statsmodels"
    parameter = "exog"

    def describe(self, instance: Any, data: Any) -> Card:
        model = instance.model
        family = type(getattr(model, "family", None)).__name__
        binary = type(model).__name__ in _BINARY or family == "Binomial"
        several = type(model).__name__ == "MNLogit"
        series = type(model).__module__.startswith("statsmodels.tsa")
        known = None if series else getattr(model, "exog_names", None)
        columns = getattr(data, "columns", None) if known is None else known
        features = tuple(map(str, columns)) if columns is not None else None
        task = (
            "binary_classification"
            if binary
            else "multiclass_classification"
            if several
            else "forecasting"
            if series
            else "regression"
        )
        return Card(
            named(instance, type(model).__name__, features, task),
            self.framework,
            version_of("statsmodels"),
            features,
            task,
        )

    def rows(self, data: Any) -> int:
        return super().rows(data) if hasattr(data, "shape") else 0

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        is_table = hasattr(data, "shape") and card.task != "forecasting"
        return super().inputs(card, data) if is_table else ()

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        found = getattr(result, "predicted_mean", result)
        values = np.asarray(found, np.float64)
        if card.task == "binary_classification":
            yield from positives(values, np.arange(2), classes_too=True)
        elif card.task == "multiclass_classification":
            yield from probabilities(values, np.arange(values.shape[1]), classes_too=True)
        elif values.ndim < 2:
            yield numeric(values)


class StatsmodelsInstrumentor(Instrumentor):
    """Hooks of statsmodels."""

    modules: ClassVar[tuple[str, ...]] = (*_RESULTS, "statsmodels.iolib.smpickle")
    distribution: ClassVar[str] = "statsmodels"
    supported: ClassVar[str] = ">=0.14"
    covers: ClassVar[Coverage] = Coverage(
        "`predict`, `forecast`, `get_prediction`, `get_forecast` of results",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`load`",
    )
    reader: ClassVar[Reader] = _ResultsReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "statsmodels.iolib.smpickle":
            loader = Loader(self.reader, whole, _predicts)

            def load(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
                result = loader(wrapped, instance, args, kwargs)
                bare = getattr(result, "_results", None)  # what predicts, within its wrapper
                if bare is not None:
                    guarded(REGISTRY.loaded, bare, told_by(whole(None, args, kwargs)))
                return result

            patches.wrap(module, "load_pickle", load)
            return
        caller = Caller(self.reader)
        for cls in (getattr(module, name) for name in _RESULTS[module.__name__]):
            for name in _PREDICTING:
                patches.wrap(cls, name, caller)
        if module.__name__ == "statsmodels.base.model":
            patches.wrap(module.LikelihoodModel, "fit", silently)


def _predicts(result: Any) -> bool:
    return hasattr(result, "predict") and hasattr(result, "model")
