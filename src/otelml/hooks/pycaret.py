"""PyCaret: `predict_model`, which asks estimators past the methods of their pipeline."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np

from otelml.data import Block, Role
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
    task_of,
    version_of,
)

_EXPERIMENTS: Final = {
    "pycaret.classification.oop": "ClassificationExperiment",
    "pycaret.regression.oop": "RegressionExperiment",
}
_TRAINING: Final = (
    "setup",
    "compare_models",
    "create_model",
    "tune_model",
    "ensemble_model",
    "blend_models",
    "stack_models",
    "finalize_model",
    "calibrate_model",
)


class _ExperimentReader(Reader):
    framework = "pycaret"
    parameter = "data"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args[1] if len(args) > 1 else kwargs.get("data")

    def describe(self, instance: Any, data: Any) -> Card:
        final = instance.steps[-1][1] if hasattr(instance, "steps") else instance
        classes = getattr(final, "classes_", None)
        task = task_of(classes, regressor=True)
        columns = None if data is None else tuple(map(str, data.columns))
        return Card(
            named(instance, type(final).__name__, columns, task),
            self.framework,
            version_of("pycaret"),
            columns,
            task,
        )

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        return () if data is None else super().inputs(card, data)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        label = result["prediction_label"]
        yield numeric(label) if card.task == "regression" else classified(label)
        if "prediction_score" in result.columns:  # the probability of the predicted class
            scores = np.asarray(result["prediction_score"], np.float64).reshape(-1, 1)
            yield Block(Role.CONFIDENCE, ("",), scores)


class PycaretInstrumentor(Instrumentor):
    """Hooks of PyCaret."""

    modules: ClassVar[tuple[str, ...]] = (
        "pycaret.internal.pycaret_experiment.supervised_experiment",
        *_EXPERIMENTS,
        "pycaret.internal.persistence",
    )
    distribution: ClassVar[str] = "pycaret"
    supported: ClassVar[str] = ">=3.3"
    covers: ClassVar[Coverage] = Coverage(
        "`predict_model`",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        load="`load_model`",
    )
    reader: ClassVar[Reader] = _ExperimentReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "pycaret.internal.persistence":
            patches.wrap(module, "load_model", Loader(self.reader, whole))
            return
        if module.__name__ in _EXPERIMENTS:
            cls = getattr(module, _EXPERIMENTS[module.__name__])
            for name in _TRAINING:
                patches.wrap(cls, name, silently, inherited=True)
            return
        caller = Caller(self.reader)

        def predict(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            model = args[0] if args else kwargs.get("estimator")
            return caller.call("predict", wrapped, model, args, kwargs)

        cls = module._SupervisedExperiment  # noqa: SLF001
        patches.wrap(cls, "predict_model", predict)
