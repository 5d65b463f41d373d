"""What models are called: by the app, by the file they came from, or by their class.

Models are remembered by identity and weak reference; nothing is ever set on them, because it would
be pickled and cloned with them.
"""

import hashlib
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from otelml.data import Model
from otelml.recording.settings import Settings
from otelml.wire.rows import encodable


class Registry:
    """Names of the models of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[int, tuple[weakref.ref[Any], Model]] = {}
        self._loaded: dict[int, tuple[weakref.ref[Any], Model]] = {}
        self._schemas: dict[str, Sequence[str]] = {}
        self._listeners: list[Callable[[object], None]] = []

    def listen(self, listener: Callable[[object], None]) -> None:
        """Call `listener` with each model that the app names from now on."""
        self._listeners.append(listener)

    def name(self, model: object, name: str, version: str | None) -> None:
        """Remember what the app calls a model, called before or not."""
        told = [str(name), None if version is None else str(version)]
        self._remember(self._given, model, Model(*encodable(told)))
        for listener in self._listeners:
            listener(model)

    def loaded(self, model: object, named: Model | None) -> None:
        """Remember what the place is called that a model was loaded from."""
        if named is not None:
            self._remember(self._loaded, model, named)

    def is_loaded(self, model: object) -> bool:
        """Whether it is known where a model was loaded from."""
        return _recall(self._loaded, model) is not None

    def find(self, model: object, fallback: str, schema: Sequence[str], env: Settings) -> Model:
        """What to call a model.

        Two models of one default name but different schemata (features, task) are told apart by a
        short hash of the second one's.
        """
        if given := _recall(self._given, model):
            return given
        if env.model_name is not None:
            return Model(env.model_name, env.model_version)
        found = _recall(self._loaded, model) or Model(fallback)
        with self._lock:
            known = self._schemas.setdefault(found.name, tuple(schema))
        if tuple(known) != tuple(schema):
            digest = hashlib.sha256("\0".join(schema).encode()).hexdigest()[:6]
            found = Model(f"{found.name}-{digest}", found.version)
        return Model(found.name, found.version or env.model_version)

    def release(self, model: Model, schema: Sequence[str]) -> None:
        """Leave a default name to the next, if it was taken with this schema."""
        with self._lock:
            if self._schemas.get(model.name) == tuple(schema):
                del self._schemas[model.name]

    def is_given(self, model: object, env: Settings) -> bool:
        """Whether the app, in code or environment, said what to call a model."""
        return env.model_name is not None or _recall(self._given, model) is not None

    def _remember(self, names: dict[int, Any], model: object, named: Model) -> None:
        identity = id(model)
        try:
            reference = weakref.ref(model, lambda _: names.pop(identity, None))
        except TypeError:
            return  # no weak references: it cannot be told from a later object at its place
        with self._lock:
            names[identity] = reference, named


def _recall(names: dict[int, tuple[weakref.ref[Any], Model]], model: object) -> Model | None:
    reference, named = names.get(id(model), (None, None))
    return named if reference is not None and reference() is model else None


REGISTRY = Registry()


def name_model(model: object, name: str, version: str | None = None) -> None:
    """Tell what telemetry should call a model.

    Args:
        model: The object whose `predict` the app calls.
        name: Its name, as dashboards and baselines know it.
        version: Its version, where it has one.

    """
    REGISTRY.name(model, name, version)
