"""Loading a model: its span, its duration, the file it is named after, and what it is.

`ml.model.loaded` says once what was loaded: class, hyperparameters, features, hash of the file.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from opentelemetry import _logs as logs
from opentelemetry import context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.trace import Status, StatusCode

from otelml import names
from otelml.data import Model
from otelml.hooks._patch import failed, guarded, process
from otelml.hooks._reader import Card, Reader
from otelml.hooks._serving import SERVING, Serving
from otelml.recording.naming import REGISTRY
from otelml.wire.rows import encodable

_LOADING: Final = context.create_key("otelml-loading")
_MOST_HASHED: Final = 1 << 30  # a larger file is not read a second time
_MOST_PARAMETERS, _LONGEST = 64, 200
_MOST_BUNDLED: Final = 100  # things beside a model in one file


def whole(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The file that a loading function is given: its first argument."""
    return args[0] if args else next(iter(kwargs.values()), None)


def _anything(_: Any) -> bool:
    return True


class Loader:
    """The wrapper of what loads a model: a function that returns it, or a method that fills it."""

    def __init__(
        self,
        reader: Reader,
        source: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any] = whole,
        is_model: Callable[[Any], bool] = _anything,
        *,
        fills: bool = False,
    ) -> None:
        self._reader, self._source = reader, source
        self._is_model, self._fills = is_model, fills

    def __call__(
        self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call what is wrapped, and record the load if a model came of it."""
        source = guarded(self._source, instance, args, kwargs)
        around = context.get_value(_LOADING)
        if isinstance(around, list):
            result = wrapped(*args, **kwargs)
            model = instance if self._fills else result
            guarded(_remember, model, source)
            around.append((model, self._reader))
            return result
        within: list[tuple[Any, Reader]] = []
        token = context.attach(context.set_value(_LOADING, within))
        started, clock = time.perf_counter(), time.time_ns()
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            seconds = time.perf_counter() - started
            if source is not None:
                guarded(self._failed, source, clock, seconds, error)
            raise
        finally:
            context.detach(token)
        seconds = time.perf_counter() - started
        model = instance if self._fills else guarded(self._model, result)
        if source is not None and model is not None:
            reader = next((r for found, r in within if found is model), self._reader)
            guarded(self._loaded, model, reader, source, clock, seconds)
        return result

    def _model(self, result: Any) -> Any:
        """The model that was loaded: of a bundle, the only one in it that predicts."""
        if self._is_model(result):
            return result
        inside = result.values() if isinstance(result, dict) else result
        if not isinstance(result, dict | list | tuple) or len(inside) > _MOST_BUNDLED:
            return None
        found = [x for x in inside if callable(getattr(type(x), "predict", None))]
        return found[0] if len(found) == 1 else None

    def _loaded(
        self, instance: Any, reader: Reader, source: Any, clock: int, seconds: float
    ) -> None:
        path = path_of(source)
        reader.forget(instance)
        _remember(instance, source)
        card = reader.card(instance, None)
        serving = context.get_value(SERVING)
        if isinstance(serving, Serving) and serving.model is not None:
            card = card._replace(model=serving.model)
        self._told(card.model, card.framework, clock, seconds, None)
        announce(instance, card, path)

    def _failed(self, source: Any, clock: int, seconds: float, error: BaseException) -> None:
        model = told_by(source) or Model("")
        self._told(model, self._reader.framework, clock, seconds, error)

    @staticmethod
    def _told(
        model: Model, system: str, clock: int, seconds: float, error: BaseException | None
    ) -> None:
        shared = process()
        shared.arm()
        kind = None if error is None else type(error).__qualname__
        if shared.bridge.serving():
            shared.recorder.load(model, system, seconds, kind)
        if not shared.settings.spans:
            return
        attributes = {
            names.OPERATION: "load",
            names.SYSTEM: system,
            names.MODEL_NAME: model.name,
        }
        if model.version is not None:
            attributes[names.MODEL_VERSION] = model.version
        span = shared.tracer.start_span(
            f"load {model.name}".rstrip(), attributes=attributes, start_time=clock
        )
        if error is not None:
            span.record_exception(error)
            span.set_attribute(names.ERROR_TYPE, type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR, *encodable([str(error)])))
        span.end(clock + int(seconds * 1e9))


def _remember(instance: Any, source: Any) -> None:
    """Name a model after its source; a file says more than the directory that it is found in."""
    if isinstance(source, Model) or not REGISTRY.is_loaded(instance):
        REGISTRY.loaded(instance, told_by(source))


def announce(instance: Any, card: Card, path: str | None) -> None:
    """Emit `ml.model.loaded`, on a thread of its own: the hash reads the whole file."""
    attributes: dict[str, Any] = {
        names.SYSTEM: card.framework,
        names.FRAMEWORK: card.framework,
        names.FRAMEWORK_VERSION: card.framework_version,
        names.MODEL_NAME: card.model.name,
        names.MODEL_CLASS: f"{type(instance).__module__}.{type(instance).__qualname__}",
    }
    if card.model.version is not None:
        attributes[names.MODEL_VERSION] = card.model.version
    if card.task is not None:
        attributes[names.TASK_TYPE] = card.task
    if card.features is not None:
        attributes[names.FEATURE_NAMES] = card.features[: process().settings.max_features]
    attributes |= guarded(_parameters, instance) or {}
    record = LogRecord(
        timestamp=time.time_ns(),
        context=context.get_current(),
        severity_number=SeverityNumber.INFO,
        attributes=attributes,
        event_name=names.MODEL_LOADED_EVENT,
    )

    def emit() -> None:
        try:
            if path is not None and (digest := _hash(path)):
                attributes[names.MODEL_HASH] = digest
            logs.get_logger("otelml", names.VERSION).emit(record)
        except Exception:
            failed(announce)

    threading.Thread(target=emit, name="otelml-loaded").start()


def _parameters(instance: Any) -> dict[str, str]:
    """Hyperparameters of what has scikit-learn's `get_params`, as bounded text."""
    given = instance.get_params(deep=False) if hasattr(instance, "get_params") else {}
    return {
        f"{names.HYPERPARAMETER}.{name}": repr(value)[:_LONGEST]
        for name, value in [*given.items()][:_MOST_PARAMETERS]
    }


def path_of(source: Any) -> str | None:
    """The path of a file that is given by path, or is open."""
    if isinstance(source, Model):
        return None
    if hasattr(source, "__fspath__"):
        return str(source)
    found = getattr(source, "name", source)
    return found if isinstance(found, str) else None


def told_by(source: Any) -> Model | None:
    """What a model is called that comes from there.

    A number is a version, as in the repositories of model servers: `fraud/3` is `fraud`, 3.
    """
    if isinstance(source, Model):
        return source
    path = path_of(source)
    if path is None or not Path(path).stem:
        return None
    stem, parent = encodable([Path(path).stem, Path(path).absolute().parent.name])
    return Model(parent, stem) if stem.isdecimal() and parent else Model(stem)


def _hash(path: str) -> str | None:
    file = Path(path)
    if not file.is_file() or file.stat().st_size > _MOST_HASHED:
        return None
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
