"""Events of predictions and labels as rows, in the processor.

`ml.inference.records` holds many rows of one model, a column an attribute;
`ml.ground_truth.received` holds one label, and may hold the prediction beside it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otelml import names
from otelml.data import Model, Prediction, Truth
from otelml.wire.decode import Service, service_of
from otelml.wire.rows import MOST, row_id, text_of
from otelml.wire.text import parsed, raw

_LONGEST: Final = 200  # of an id or of the name of a label's model, in characters
_MOST_CLASSES: Final = 64


class Records(NamedTuple):
    """What a request holds of ours, and what is left of it for the next hop."""

    predictions: list[tuple[Service, Model, Prediction]]
    truths: list[Truth]
    rest: bytes
    bad: Counter[str]


def read(body: bytes, *, keep: bool) -> Records:
    """Predictions and labels in a logs request; `keep` leaves their events in the rest.

    Raises:
        google.protobuf.message.DecodeError: the bytes are no logs request.

    """
    request: Any
    try:
        request, as_text = ExportLogsServiceRequest.FromString(body), True
    except DecodeError:  # maybe for a text that is none, which passes on as it is
        request, as_text = raw(ExportLogsServiceRequest).FromString(body), False
    found = Records([], [], body, Counter())
    for resource in request.resource_logs:
        owner = resource.resource if as_text else _mended(Resource, resource.resource)
        service = service_of(owner.attributes)
        for scope in resource.scope_logs:
            others = []
            for record in scope.log_records:
                if record.event_name not in _EVENTS and record.event_name not in _RAW_EVENTS:
                    others.append(record)
                    continue
                told = record if as_text else _mended(LogRecord, record)
                try:
                    _EVENTS[told.event_name](told, service, found)
                except (KeyError, ValueError, TypeError):
                    found.bad[told.event_name] += 1
            if len(others) < len(scope.log_records):
                del scope.log_records[:]
                scope.log_records.extend(others)
    if keep or not (found.predictions or found.truths or found.bad):
        return found
    return found._replace(rest=_without_empty(request))


def _mended(kind: Any, message: Any) -> Any:
    """A message of a kind whose text is bytes, as one of text."""
    return parsed(kind, message.SerializeToString())


def _without_empty(request: Any) -> bytes:
    """What is left of a request; nothing if no record is."""
    rest = type(request)()
    for resource in request.resource_logs:
        scopes = [scope for scope in resource.scope_logs if scope.log_records]
        if scopes:
            kept = rest.resource_logs.add(
                resource=resource.resource, schema_url=resource.schema_url
            )
            kept.scope_logs.extend(scopes)
    left: bytes = rest.SerializeToString()
    return left


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
    scored = [_canonical(v.string_value) or "" for v in _values(given, names.RECORD_SCORED)]
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
    held = _values(given, name)
    if name in given and len(held) != size:
        raise ValueError(name)
    values = [getattr(value, kind) for value in held]
    if all(values):
        return values
    # What is of another kind reads as nothing: so only of nothing need the kind be looked at.
    return [read or _of_kind(value, kind) for read, value in zip(values, held, strict=True)]


def _of_kind(value: Any, kind: str) -> Any:
    """A value of that kind; an integer is a number, and null what a row lacks."""
    told = value.WhichOneof("value")
    if told == kind:
        return getattr(value, kind)
    if told == "int_value" and kind == "double_value":
        return float(value.int_value)
    if told is None and kind in _LACKING:
        return _LACKING[kind]
    raise TypeError(kind)


_LACKING: Final = {"string_value": "", "double_value": float("nan")}


def _canonical(label: str) -> str | None:
    """A class as text; one that is a whole number reads the same as float and as int.

    >>> _canonical("1.0"), _canonical("yes"), _canonical("")
    ('1', 'yes', None)
    """
    return (label.removesuffix(".0") if label[:-2].lstrip("-").isdigit() else label) or None


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _model(given: dict[str, Any]) -> Model:
    version = _told(given, names.MODEL_VERSION, "string_value")
    return Model(_of_kind(given[names.MODEL_NAME], "string_value"), version or None)


def _truth(record: Any, service: Service, found: Records) -> None:
    given = {pair.key: pair.value for pair in record.attributes}
    key = _told(given, names.INFERENCE_ID, "string_value") or record.span_id.hex()
    row = _told(given, names.ROW_INDEX, "int_value") or 0
    of = _told(given, names.MODEL_NAME, "string_value") or None
    if not key or len(key) > _LONGEST or row < 0 or len(of or "") > _LONGEST:
        raise ValueError("id")
    key = row_id(key, row)
    time = record.time_unix_nano or record.observed_time_unix_nano
    label, value = _either(given, names.TRUTH_CLASS, names.TRUTH_VALUE)
    if label is None and value is not None:
        label = text_of(value)[0]
    weight = _told(given, names.TRUTH_WEIGHT, "double_value")
    weight = 1.0 if weight is None else weight
    if label is None or not (np.isfinite(weight) and weight >= 0):
        raise ValueError("label")
    beside = [*_beside(given, key, time, service)]
    found.truths.append(Truth(key, time, label, value, weight, of))
    found.predictions.extend(beside)


def _beside(
    given: dict[str, Any], key: str, time: int, service: Service
) -> Iterator[tuple[Service, Model, Prediction]]:
    """The prediction that came with its label, if one did."""
    label, value = _either(given, names.PREDICTION_CLASS, names.PREDICTION_VALUE_OF_ROW)
    score = _told(given, names.PREDICTION_SCORE_OF_ROW, "double_value")
    scores = () if score is None else (("", score),)
    if label is not None or value is not None or scores:
        yield service, _model(given), Prediction(key, time, label, value, scores)


def _either(given: dict[str, Any], text: str, number: str) -> tuple[str | None, float | None]:
    """A class and a number, where they are told."""
    value = _told(given, number, "double_value")
    return (
        _canonical(_told(given, text, "string_value") or ""),
        None if value is None else _number(value),
    )


def _told(given: dict[str, Any], name: str, kind: str) -> Any:
    """An attribute of that kind; None where it is not told."""
    if name not in given or given[name].WhichOneof("value") is None:
        return None
    return _of_kind(given[name], kind)


_EVENTS: Final = {names.RECORDS_EVENT: _records, names.TRUTH_EVENT: _truth}
_RAW_EVENTS: Final = frozenset(name.encode() for name in _EVENTS)
