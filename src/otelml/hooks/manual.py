"""The manual door: what an app says of models that no hook covers."""

import functools
import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, Self

from opentelemetry import context

from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import outer
from otelml.hooks._told import Asked, Told, ToldReader

_CALLER = Caller(ToldReader())


class inference(ContextDecorator):  # noqa: N801 - it reads as a function, as contextlib's do
    """Record a model call that no hook covers, as a context manager or a decorator.

    As a context manager, `prediction`, `probabilities` and `interval` (lower ends, upper ends) are
    set on what it yields. As a decorator of a function, sync or async, its first argument is the
    features and its result the prediction. Model calls within are not recorded on their own.

    Args:
        model: Name of the model, or the model itself.
        features: A frame, matrix, mapping or list of rows.
        version: Version of the model, where it has one.
        operation: What the model does.
        framework: Library that the model is made with.
        task: `binary_classification`, `multiclass_classification`, `regression`, …
        names: Names of the features, where they do not carry them.
        classes: Names of the classes, in the order of the columns of `probabilities`.

    >>> with inference("fraud", features=[[1.0, 2.0]]) as call:
    ...     call.prediction = "yes"

    """

    prediction: Any = None
    probabilities: Any = None
    interval: Any = None

    def __init__(
        self,
        model: Any,
        *,
        features: Any = None,
        version: str | None = None,
        operation: str = "predict",
        framework: str = "custom",
        task: str | None = None,
        names: Sequence[str] | None = None,
        classes: Sequence[Any] | None = None,
    ) -> None:
        columns = None if names is None else tuple(names)
        self._asked = Asked(model, version, framework, task, columns, classes)
        self._features, self._operation = features, operation
        self._call: Call | None = None

    def _recreate_cm(self) -> Self:
        return self._of(self._features)

    def _of(self, features: Any) -> Self:
        """The same, of another call."""
        asked = self._asked
        return type(self)(
            asked.model,
            features=features,
            version=asked.version,
            operation=self._operation,
            framework=asked.framework,
            task=asked.task,
            names=asked.names,
            classes=asked.classes,
        )

    def __enter__(self) -> Self:
        here = context.get_current()
        if outer(here) is None:
            self._call = _CALLER.begin(here, self._asked, self._operation, (self._features,), {})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._call is not None:
            told = Told(self.prediction, self.probabilities, self.interval)
            _CALLER.end(self._call, told, error)

    def __call__(self, function: Callable[..., Any]) -> Any:
        """Decorate a function that predicts."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self._of(_first(args, kwargs)) as call:
                    call.prediction = result = await function(*args, **kwargs)
                return result

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self._of(_first(args, kwargs)) as call:
                call.prediction = result = function(*args, **kwargs)
            return result

        return called


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()), None)


def record(
    model: Any,
    *,
    features: Any = None,
    prediction: Any = None,
    probabilities: Any = None,
    interval: Any = None,
    seconds: float = 0.0,
    error: BaseException | None = None,
    **described: Any,
) -> None:
    """Record a model call that is over; the arguments are those of `inference`.

    Args:
        model: Name of the model, or the model itself.
        features: A frame, matrix, mapping or list of rows.
        prediction: Classes or numbers, one a row.
        probabilities: Of shape (rows, classes), or of the positive class, of shape (rows,).
        interval: Lower and upper ends of what the values should lie in, each of shape (rows,).
        seconds: How long the call took.
        error: What it raised, if it failed.
        described: More of the model: `version`, `operation`, `task`, `names`, `classes`, …

    """
    told = inference(model, features=features, **described)
    here = context.get_current()
    if outer(here) is not None:
        return
    since = time.time_ns() - int(seconds * 1e9)
    call = _CALLER.begin(here, told._asked, told._operation, (features,), {}, since)  # noqa: SLF001
    if call is not None:
        call.started = time.perf_counter() - seconds
        _CALLER.end(call, Told(prediction, probabilities, interval), error)
