"""The span of one model call: how it starts, and what is told of it at its end."""

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode

from otelml import names
from otelml.data import Block, Labels, Role
from otelml.hooks._patch import guarded, process
from otelml.hooks._reader import Column
from otelml.hooks._serving import Serving
from otelml.hooks._shadow import SHADOW, SHADOWS
from otelml.wire.rows import encodable

if TYPE_CHECKING:
    from otelml.hooks._call import Call


def title_of(call: "Call") -> str:
    """The name of a call's span."""
    return f"{call.operation} {call.model.name}"


def attributes_of(call: "Call") -> dict[str, Any]:
    """The attributes that the span of a call has in common with those of calls alike."""
    card = call.card
    attributes: dict[str, Any] = {
        names.OPERATION: call.operation,
        names.SYSTEM: call.system,
        names.FRAMEWORK: card.framework,
        names.FRAMEWORK_VERSION: card.framework_version,
        names.MODEL_NAME: call.model.name,
        names.BATCH_SIZE: call.rows,
    }
    if call.model.version is not None:
        attributes[names.MODEL_VERSION] = call.model.version
    if card.task is not None:
        attributes[names.TASK_TYPE] = card.task
    if card.features is not None:
        attributes[names.FEATURE_NUMBER] = len(card.features)
    return attributes


def started(call: "Call", serving: Serving | None, here: Context, since: int | None) -> trace.Span:
    """Start the span of a call, now or at `since`."""
    stack = call.stack
    if stack is None:
        title, attributes = title_of(call), attributes_of(call)
    else:
        title, attributes = stack.title, stack.attributes
    own = {} if serving is None else {**serving.attributes}
    if len(call.ids) == 1:
        own[names.INFERENCE_ID] = call.ids[0]
    if SHADOWS.used and here.get(SHADOW):
        own[names.MODEL_ALIAS] = "challenger"
    if own:
        attributes = attributes | own
    links = () if serving is None else serving.links
    tracer = call.process.tracer
    return tracer.start_span(title, here, SpanKind.INTERNAL, attributes, links, since)


def finished(
    span: trace.Span, columns: tuple[Column, ...], rows: int, error: BaseException | None
) -> None:
    """End a span, with the error or, of a single row, what was predicted."""
    try:
        if error is not None:
            _failed(span, error)
        elif rows == 1 and span.is_recording() and process().settings.capture_predictions:
            _predicted(span, columns)
    finally:
        span.end()


def _failed(span: trace.Span, error: BaseException) -> None:
    span.set_attribute(names.ERROR_TYPE, type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR, *encodable([guarded(str, error)])))
    span.record_exception(error)


def _predicted(span: trace.Span, columns: tuple[Column, ...]) -> None:
    for column in columns:
        if isinstance(column, Labels) and column.role is Role.PREDICTION and not column.name:
            if column.values and column.values[0] is not None:
                span.set_attribute(names.PREDICTION_CLASS, column.values[0])
        elif (
            isinstance(column, Block)
            and column.role in _ON_SPANS
            and column.names == ("",)
            and not column.labels
        ):
            span.set_attribute(_ON_SPANS[column.role], float(column.values[0, 0]))


_ON_SPANS: Final = {
    Role.PREDICTION: names.PREDICTION_VALUE_OF_ROW,
    Role.SCORE: names.PREDICTION_SCORE_OF_ROW,
    Role.CONFIDENCE: names.PREDICTION_CONFIDENCE,
}
