"""Events of predictions and labels as rows, in the processor.

`ml.inference.records` holds many rows of one model, a column an attribute;
`ml.ground_truth.received` holds one label, and may hold the prediction beside it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otelml import names
from otelml.data import Model, Prediction, Truth
from otelml.wire.decode import Service, service_of
from otelml.wire.rows import MOST, row_id, text_of

_LONGEST: Final = 200  # of an id, in characters
_MOST_CLASSES: Final = 64


class Records(NamedTuple):
    """What a request holds of ours, and what is left of it for the next hop."""

    predictions: list[tuple[Service, Model, Prediction]]
    truths: list[tuple[Service, Truth]]
    rest: bytes
    bad: Counter[str]


def read(body: bytes, *, keep: bool) -> Records:
    """Predictions and labels in a logs request; `keep` leaves their events in the rest.

    Raises:
        google.protobuf.message.DecodeError: the bytes are no logs request.

    """
    request = ExportLogsServiceRequest.FromString(body)
    found = Records([], [], body, Counter())
    for resource in request.resource_logs:
        service = service_of(resource.resource.attributes)
        for scope in resource.scope_logs:
            others = []
            for record in scope.log_records:
                if record.event_name not in _EVENTS:
                    others.append(record)
                    continue
                try:
                    _EVENTS[record.event_name](record, service, found)
                except (KeyError, ValueError, TypeError):
                    found.bad[record.event_name] += 1
            if len(others) < len(scope.log_records):
                del scope.log_records[:]
                scope.log_records.extend(others)
    if keep or not (found.predictions or found.truths or found.bad):
        return found
    return found._replace(rest=_without_empty(request))


def _without_empty(request: ExportLogsServiceRequest) -> bytes:
    """What is left of a request; nothing if no record is."""
    rest = ExportLogsServiceRequest()
    for resource in request.resource_logs:
        scopes = [scope for scope in resource.scope_logs if scope.log_records]
        if scopes:
            kept = rest.resource_logs.add(
                resource=resource.resource, schema_url=resource.schema_url
            )
            kept.scope_logs.extend(scopes)
    return rest.SerializeToString()


def _records(record: Any, service: Service, found: Records) -> None:
    given = {pair.key: pair.value for pair in record.attributes}
    model = _model(given)
    ids = [v.string_value for v in given[names.RECORD_IDS].array_value.values]
    size = len(ids)
    if not 0 < size <= MOST or not all(ids) or max(map(len, ids)) > _LONGEST:
        raise ValueError("ids")
    times = [int(t) for t in _column(given, names.RECORD_TIMES, size, "int_value")]
    classes = _column(given, names.RECORD_CLASSES, size, "string_value")
    values = _column(given, names.RECORD_VALUES, size, "double_value")
    lows = _column(given, names.RECORD_LOWS, size, "double_value")
    highs = _column(given, names.RECORD_HIGHS, size, "double_value")
    traces = _column(given, names.RECORD_TRACE_IDS, size, "string_value")
    spans = _column(given, names.RECORD_SPAN_IDS, size, "string_value")
    scored = [v.string_value for v in _values(given, names.RECORD_SCORED)]
    if len(scored) > _MOST_CLASSES:
        raise ValueError("scores")
    scores = _column(given, names.RECORD_SCORES, size * len(scored), "double_value")
    prefix = f"{names.RECORD_SEGMENT}."
    segments = {
        name.removeprefix(prefix): _column(given, name, size, "string_value")
        for name in given
        if name.startswith(prefix)
    }
    for i, (key, time) in enumerate(zip(ids, times, strict=True)):
        of_row = scores[i * len(scored) : (i + 1) * len(scored)]
        told = [(name, score) for name, score in zip(scored, of_row, strict=True) if score == score]  # noqa: PLR0124 - NaN
        prediction = Prediction(
            key,
            time,
            _canonical(classes[i]) if classes else None,
            _number(values[i]) if values else None,
            tuple(told),
            (lows[i], highs[i]) if lows and highs and lows[i] <= highs[i] else None,
            tuple((name, column[i]) for name, column in segments.items() if column[i]),
            traces[i] if traces else "",
            spans[i] if spans else key.partition(":")[0],
        )
        found.predictions.append((service, model, prediction))


def _values(given: dict[str, Any], name: str) -> Sequence[Any]:
    return given[name].array_value.values if name in given else ()


def _column(given: dict[str, Any], name: str, size: int, kind: str) -> list[Any]:
    values = [getattr(v, kind) for v in _values(given, name)]
    if name in given and len(values) != size:
        raise ValueError(name)
    return values


def _canonical(label: str) -> str | None:
    """A class as text; one that is a whole number reads the same as float and as int.

    >>> _canonical("1.0"), _canonical("yes"), _canonical("")
    ('1', 'yes', None)
    """
    return (label.removesuffix(".0") if label[:-2].lstrip("-").isdigit() else label) or None


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _model(given: dict[str, Any]) -> Model:
    version = given[names.MODEL_VERSION].string_value if names.MODEL_VERSION in given else None
    return Model(given[names.MODEL_NAME].string_value, version or None)


def _truth(record: Any, service: Service, found: Records) -> None:
    given = {pair.key: pair.value for pair in record.attributes}
    key = given[names.INFERENCE_ID].string_value if names.INFERENCE_ID in given else ""
    key = key or record.span_id.hex()
    if not key or len(key) > _LONGEST:
        raise ValueError("id")
    row = given[names.ROW_INDEX].int_value if names.ROW_INDEX in given else 0
    key = row_id(key, row)
    time = record.time_unix_nano or record.observed_time_unix_nano
    label, value = None, None
    if names.TRUTH_CLASS in given:
        label = _canonical(given[names.TRUTH_CLASS].string_value)
    if names.TRUTH_VALUE in given:
        value = _number(given[names.TRUTH_VALUE].double_value)
        label = label if label is not None or value is None else text_of(value)[0]
    weight = given[names.TRUTH_WEIGHT].double_value if names.TRUTH_WEIGHT in given else 1.0
    if (label is None and value is None) or not (np.isfinite(weight) and weight >= 0):
        raise ValueError("label")
    beside = [*_beside(given, key, time, service)]
    found.truths.append((service, Truth(key, time, label, value, weight)))
    found.predictions.extend(beside)


def _beside(
    given: dict[str, Any], key: str, time: int, service: Service
) -> Iterator[tuple[Service, Model, Prediction]]:
    """The prediction that came with its label, if one did."""
    label, value = None, None
    scores: tuple[tuple[str, float], ...] = ()
    if names.PREDICTION_CLASS in given:
        label = _canonical(given[names.PREDICTION_CLASS].string_value)
    if names.PREDICTION_VALUE_OF_ROW in given:
        value = _number(given[names.PREDICTION_VALUE_OF_ROW].double_value)
    if names.PREDICTION_SCORE_OF_ROW in given:
        scores = (("", given[names.PREDICTION_SCORE_OF_ROW].double_value),)
    if label is not None or value is not None or scores:
        yield service, _model(given), Prediction(key, time, label, value, scores)


_EVENTS: Final = {names.RECORDS_EVENT: _records, names.TRUTH_EVENT: _truth}
