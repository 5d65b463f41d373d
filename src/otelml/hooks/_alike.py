"""Models that look like scikit-learn's, but are not built on it: their calls, on demand."""

import weakref
from functools import partial
from typing import Any

from otelml.hooks._call import Caller
from otelml.hooks._patch import Patches, guarded
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.recording.naming import REGISTRY

_shown: dict[int, weakref.ref[Any]] = {}
_patches = Patches()
_caller = Caller(SklearnInstrumentor.reader)


def instrument_model(model: Any, name: str | None = None, version: str | None = None) -> Any:
    """Record the calls of a model that looks like scikit-learn's but is not built on it.

    Its class's `predict`, `predict_proba` and `decision_function` are wrapped; other instances of
    the class are left alone. Returns the model itself.

    Args:
        model: An object with a `predict` method.
        name: What telemetry should call it.
        version: Its version, where it has one.

    """
    if name is not None:
        REGISTRY.name(model, name, version)
    guarded(_watch, model)
    return model


def _watch(model: Any) -> None:
    identity = id(model)
    _shown[identity] = weakref.ref(model, lambda _: _shown.pop(identity, None))
    for method in ("predict", "predict_proba", "decision_function"):
        for cls in type(model).__mro__:
            if method in vars(cls):
                _patches.wrap(cls, method, partial(_called, method))
                break


def _called(
    operation: str, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    reference = _shown.get(id(instance))
    if reference is None or reference() is not instance:
        return wrapped(*args, **kwargs)
    return _caller.call(operation, wrapped, instance, args, kwargs)
