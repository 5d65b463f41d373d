"""What an app says of its inferences for labels to find them: ids before, labels afterwards."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import _logs as logs
from opentelemetry import context, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context.context import Context

from otelml import names
from otelml.hooks._patch import GIVEN_IDS
from otelml.wire.rows import text_of


@contextmanager
def inference_id(given: str | Sequence[str]) -> Iterator[None]:
    """Name the inferences within, so that labels find them later.

    Args:
        given: One id, of a batch that of its first row (row i of it is `ID:i`); or one id a row.

    >>> with inference_id("order-17"):
    ...     pass  # model.predict(row)

    """
    ids = (given,) if isinstance(given, str) else tuple(map(str, given))
    token = context.attach(context.set_value(GIVEN_IDS, ids))
    try:
        yield
    finally:
        context.detach(token)


def label(
    inference_id: str | None,
    value: str | float,
    *,
    row: int = 0,
    weight: float = 1.0,
    at: float | None = None,
    prediction: str | float | None = None,
    score: float | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say what was right: a class, a number, or what came of an inference later.

    It is sent as the event `ml.ground_truth.received`, from any process. With the prediction
    beside it nothing need be waited for.

    Args:
        inference_id: The inference's id; None is the one of `otelml.inference_id` around, or of
            the span around.
        value: The class (text or bool) or the number.
        row: Row of the batch that the inference was.
        weight: How much it counts: not negative.
        at: When it was learnt, in seconds since the epoch; now if it is not said.
        prediction: What the model said, if it is to be taken from here.
        score: Probability of the positive class that it gave.
        model: Name of the model that it is right of, whatever its version; of all models that
            predicted under the id if none is named. Models that answer different questions of one
            id need it, and so does a `prediction` or `score`.
        version: Version of the model that gave the `prediction` or `score`.

    Raises:
        ValueError: `row` or `weight` is negative, or a prediction comes without its model.

    """
    if row < 0 or not 0 <= weight < float("inf"):
        raise ValueError(f"row {row} and weight {weight} must be finite and not negative")
    if model is None and (prediction is not None or score is not None):
        raise ValueError("a prediction needs the name of its model: give model=")
    here = context.get_current()
    attributes: dict[str, Any] = {names.INFERENCE_ID: inference_id or _around(here)}
    if row:
        attributes[names.ROW_INDEX] = row
    attributes |= _either(value, names.TRUTH_CLASS, names.TRUTH_VALUE)
    if weight != 1.0:
        attributes[names.TRUTH_WEIGHT] = float(weight)
    if model is not None:
        attributes[names.MODEL_NAME] = model
        if version is not None:
            attributes[names.MODEL_VERSION] = version
        if prediction is not None:
            value_name = names.PREDICTION_VALUE_OF_ROW
            attributes |= _either(prediction, names.PREDICTION_CLASS, value_name)
        if score is not None:
            attributes[names.PREDICTION_SCORE_OF_ROW] = float(score)
    record = LogRecord(
        timestamp=time.time_ns() if at is None else int(at * 1e9),
        context=here,
        severity_number=SeverityNumber.INFO,
        attributes=attributes,
        event_name=names.TRUTH_EVENT,
    )
    logs.get_logger("otelml", names.VERSION).emit(record)


def _around(here: Context) -> str:
    given = here.get(GIVEN_IDS)
    if isinstance(given, tuple) and given:
        return str(given[0])
    span = trace.get_current_span(here).get_span_context()
    if not span.is_valid:
        raise ValueError("no inference_id is given, and there is no span around")
    return f"{span.span_id:016x}"


def _either(value: str | float, text: str, number: str) -> dict[str, Any]:
    """A class under one name, a number under the other; of a bool both."""
    told, known = text_of(value)
    if told is None:
        raise ValueError(f"{value!r} is neither a class nor a number")
    if known is None:
        return {text: told}
    return {number: known} | ({text: told} if isinstance(value, bool) else {})
