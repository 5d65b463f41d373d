"""`POST /v1/labels`: labels as JSON or as lines of JSON; what is wrong with one refuses only it."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from otelml.data import Model, Prediction, Truth
from otelml.processor.refusal import Code, RefusalError, invalid
from otelml.wire.proto import Service
from otelml.wire.rows import row_id, text_of

MOST: Final = 100_000
"""Labels in a request."""

LINES: Final = "application/x-ndjson"


def _moment(given: object) -> object:
    """A time as seconds since the epoch: it may be ISO 8601."""
    if isinstance(given, str):
        try:
            moment = datetime.fromisoformat(given)
        except ValueError as error:
            raise ValueError(f"{given[:40]!r} is no time: write ISO 8601 or seconds") from error
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return given


def _scalar(given: object) -> object:
    """A class or a number."""
    if not isinstance(given, str | bool | int | float):
        raise ValueError("is neither text, number nor boolean")  # noqa: TRY004 - pydantic collects
    if isinstance(given, float) and not math.isfinite(given):
        raise ValueError(f"{given} is not finite")
    if isinstance(given, str) and not 0 < len(given) <= 200:
        raise ValueError("must have 1 to 200 characters")
    return given


Scalar = Annotated[Any, AfterValidator(_scalar)]


class Label(BaseModel):
    """One label as it is posted; `prediction` and `score` may come with it.

    With a `model` it is of that model's predictions only.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    label: Scalar
    row: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    time: Annotated[float | int, BeforeValidator(_moment), Field(gt=0, lt=1e11)] | None = None
    weight: Annotated[float | int, Field(ge=0, le=1e12)] = 1.0
    prediction: Scalar | None = None
    score: Annotated[float | int, Field(ge=-1e300, le=1e300)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    model_version: Annotated[str, Field(max_length=200)] | None = None
    service: Annotated[str, Field(max_length=200)] = ""


class Refused(NamedTuple):
    """A label that is not taken: where it was in the request, and why."""

    place: int
    reason: str

    def json(self) -> dict[str, Any]:
        """As the answer tells it."""
        return {"index": self.place, "reason": self.reason}


class Posted(NamedTuple):
    """A request's labels; `places` says where each was in the request."""

    truths: list[Truth]
    places: list[int]
    predictions: list[tuple[Service, Model, Prediction]]
    refused: list[Refused]


def posted(kind: str, body: bytes, now: int) -> Posted:
    """The labels in the body of a request; `now` is in nanoseconds since the epoch.

    Raises:
        RefusalError: the body as a whole cannot be read.

    """
    found = Posted([], [], [], [])
    for index, given in enumerate(_lines(body) if kind == LINES else _whole(body)):
        if index >= MOST:
            raise RefusalError(
                Code.RESOURCE_EXHAUSTED, f"more than {MOST} labels: send fewer at a time"
            )
        try:
            label = Label.model_validate(given if not isinstance(given, _Bad) else given.refuse())
            _take(label, index, found, now)
        except ValidationError as error:
            found.refused.append(Refused(index, _told(error)))
        except ValueError as error:
            found.refused.append(Refused(index, str(error)))
    return found


def _take(label: Label, index: int, found: Posted, now: int) -> None:
    key = row_id(label.id, label.row)
    time = now if label.time is None else int(label.time * 1e9)
    text, value = text_of(label.label)
    if label.prediction is not None or label.score is not None:
        if label.model is None:
            raise ValueError("model: a prediction needs the name of its model")
        predicted, number = text_of(label.prediction)
        scores = () if label.score is None else (("", float(label.score)),)
        found.predictions.append(
            (
                Service(label.service),
                Model(label.model, label.model_version),
                Prediction(key, time, predicted, number, scores),
            )
        )
    found.truths.append(Truth(key, time, text, value, float(label.weight), label.model))
    found.places.append(index)


class _Bad:
    """A line that is no JSON."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def refuse(self) -> object:
        raise ValueError(self._reason)


def _lines(body: bytes) -> Iterator[Any]:
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            try:
                yield _parsed(line)
            except ValueError as error:
                yield _Bad(f"line {number}: {error}")


def _whole(body: bytes) -> Iterator[Any]:
    try:
        given = _parsed(body)
    except ValueError as error:
        raise invalid(f"the body is no JSON: {error}") from error
    if isinstance(given, dict) and "labels" in given:
        given = given["labels"]
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list):
        raise invalid('the body is no label: send one object, a list, or {"labels": [...]}')
    yield from given


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refused)
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("is no JSON in UTF-8") from error


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not finite")


def _told(error: ValidationError) -> str:
    parts = []
    for detail in error.errors()[:4]:
        where = str(detail["loc"][0]) if detail["loc"] else "label"
        parts.append(f"{where}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(dict.fromkeys(parts))
