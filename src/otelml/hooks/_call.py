"""One outermost model call: its span, its time, and what it read and returned.

A hook gives a `Reader` that knows how the framework's inputs and outputs look; what surrounds a
call is the same for all of them.
"""

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from otelml import __version__, names
from otelml.data import Block, Inference, Labels, Model, Role
from otelml.hooks._patch import guarded, is_silent, outer, process, within

_RECENT: Final = 256


class Card(NamedTuple):
    """What a reader knows of a model: constant from one training to the next."""

    model: Model
    framework: str
    framework_version: str
    features: tuple[str, ...] | None
    task: str | None
    facts: Any = None


class Reader(Protocol):
    """How one framework's calls are read."""

    def card(self, instance: Any, data: Any) -> Card:
        """What is known of the model."""

    def inputs(self, card: Card, data: Any) -> tuple[Block | Labels, ...]:
        """The features."""

    def outputs(self, card: Card, call: "Call", result: Any) -> tuple[Block | Labels, ...]:
        """Predictions, scores, confidences."""


class Call:
    """A call in progress; calls within it hand it what they returned."""

    __slots__ = ("inner", "instance", "operation")

    def __init__(self, instance: Any, operation: str) -> None:
        self.instance, self.operation = instance, operation
        self.inner: dict[str, tuple[Any, Any]] = {}


class Caller:
    """The wrapper of a framework's predict-like methods."""

    def __init__(self, system: str, reader: Reader, rows: Callable[[Any], int]) -> None:
        self._system, self._reader, self._rows = system, reader, rows
        self._recent: OrderedDict[tuple[int, int, Model], tuple[Any, set[Role]]] = OrderedDict()
        self.tracer_provider: trace.TracerProvider | None = None

    def __call__(
        self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call what is wrapped, and record it if it is outermost."""
        here = context.get_current()
        enclosing = outer(here)
        if enclosing is not None:
            result = wrapped(*args, **kwargs)
            if not is_silent(enclosing):
                enclosing.inner[wrapped.__name__] = instance, result
            return result
        data = args[0] if args else kwargs.get("X")
        card = guarded(self._reader.card, instance, data)
        if card is None:
            return wrapped(*args, **kwargs)
        return self._recorded(here, card, wrapped, instance, data, args, kwargs)

    def _recorded(
        self,
        here: context.Context,
        card: Card,
        wrapped: Any,
        instance: Any,
        data: Any,
        args: Any,
        kwargs: Any,
    ) -> Any:
        shared = process()
        operation = wrapped.__name__
        call = Call(instance, operation)
        rows = guarded(self._rows, data) or 0
        parent = trace.get_current_span(here)
        span = self._span(card, operation, rows) if shared.settings.spans else None
        base = here if span is None else trace.set_span_in_context(span, here)
        recorder = shared.recorder if shared.bridge.serving() else None
        if recorder is not None:
            recorder.start(card.model, operation, self._system)
        token = context.attach(within(call, base))
        error = result = None
        started = time.perf_counter()
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as raised:
            error = raised
            raise
        else:
            return result
        finally:
            seconds = time.perf_counter() - started
            context.detach(token)
            columns = None
            if error is None:
                columns = guarded(self._columns, card, call, data, result, parent)
            failed = None if error is None else type(error).__qualname__
            if recorder is not None:
                inference = Inference(
                    card.model, operation, self._system, rows, seconds, columns or (), failed
                )
                guarded(recorder.end, inference)
            if span is not None:
                guarded(_finish, span, columns or (), rows, error)

    def _span(self, card: Card, operation: str, rows: int) -> trace.Span:
        tracer = trace.get_tracer("otelml", __version__, self.tracer_provider)
        attributes: dict[str, str | int] = {
            names.OPERATION: operation,
            names.SYSTEM: self._system,
            names.FRAMEWORK: card.framework,
            names.FRAMEWORK_VERSION: card.framework_version,
            names.MODEL_NAME: card.model.name,
            names.BATCH_SIZE: rows,
        }
        if card.model.version is not None:
            attributes[names.MODEL_VERSION] = card.model.version
        if card.task is not None:
            attributes[names.TASK_TYPE] = card.task
        if card.features is not None:
            attributes[names.FEATURE_NUMBER] = len(card.features)
        name = f"{operation} {card.model.name}"
        return tracer.start_span(name, kind=SpanKind.INTERNAL, attributes=attributes)

    def _columns(
        self, card: Card, call: Call, data: Any, result: Any, parent: trace.Span
    ) -> tuple[Block | Labels, ...]:
        """Features and outputs, less what a sibling call on the same input counted already."""
        outputs = self._reader.outputs(card, call, result)
        seen = self._seen(card.model, data, parent)
        features = () if Role.FEATURE in seen else self._reader.inputs(card, data)
        new = tuple(column for column in outputs if column.role not in seen)
        seen.update((Role.FEATURE, *(column.role for column in new)))
        return features + new

    def _seen(self, model: Model, data: Any, parent: trace.Span) -> set[Role]:
        """Roles counted already of this very input in this request; empty outside of one."""
        if parent is trace.INVALID_SPAN:
            return set()
        request = parent.get_span_context()
        if not request.is_valid:
            return set()
        try:
            reference = weakref.ref(data)
        except TypeError:
            return set()
        key = request.trace_id, request.span_id, model
        known = self._recent.get(key)
        if known is not None and known[0]() is data:
            return known[1]
        seen: set[Role] = set()
        self._recent[key] = reference, seen
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return seen


def _finish(
    span: trace.Span, columns: tuple[Block | Labels, ...], rows: int, error: BaseException | None
) -> None:
    if error is not None:
        span.record_exception(error)
        span.set_attribute(names.ERROR_TYPE, type(error).__qualname__)
        span.set_status(Status(StatusCode.ERROR, str(error)))
    elif rows == 1 and span.is_recording() and process().settings.capture_predictions:
        for column in columns:
            if isinstance(column, Labels) and column.role is Role.PREDICTION and not column.name:
                if column.values[0] is not None:
                    span.set_attribute(names.PREDICTION_CLASS, column.values[0])
            elif isinstance(column, Block) and column.role in _ON_SPANS and column.names == ("",):
                span.set_attribute(_ON_SPANS[column.role], float(column.values[0, 0]))
    span.end()


_ON_SPANS: Final = {
    Role.PREDICTION: "ml.prediction.value",
    Role.SCORE: "ml.prediction.score",
    Role.CONFIDENCE: "ml.prediction.confidence",
}
