"""The frozen records that flow through both halves; nothing here computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Piece
from otelml.sketch.probability import Probability

Sketch: TypeAlias = Numeric | Categories | Probability | Count


class Role(StrEnum):
    """What a series tells about: a column of the model's data, or the calls themselves."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    CONFIDENCE = "confidence"
    TARGET = "target"
    ERROR = "error"
    DURATION = "duration"
    CLIENT_DURATION = "client_duration"
    BATCH_SIZE = "batch_size"
    PREDICTIONS = "predictions"
    ACTIVE = "active"
    LOAD_DURATION = "load_duration"
    DROPPED = "dropped"
    AGREEMENT = "agreement"

    @property
    def is_column(self) -> bool:
        """Whether it is a column (and so is told apart by `ml.role` on the wire)."""
        return self in _COLUMNS


_COLUMNS = frozenset(
    {Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.CONFIDENCE, Role.TARGET, Role.ERROR}
)


class Model(NamedTuple):
    """A model as telemetry names it."""

    name: str
    version: str | None = None

    def __lt__(self, other: Any) -> bool:
        return (self.name, self.version or "") < (other.name, other.version or "")


class Key(NamedTuple):
    """Identity of a series.

    `name` is the feature, or the output of a model with several; `labels` are the attributes that
    tell apart what is left: operation, system and error type of calls, the class of a score.
    """

    model: Model
    role: Role
    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()


class Block(NamedTuple):
    """Numeric columns that lie side by side: `values` is float64 of shape (rows, len(names)).

    NaN is missing; `mismatched` counts, by name, values that are not numbers and are NaN here.
    `positive` is the class that a binary classifier's scores are of, where it is known.
    """

    role: Role
    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    mismatched: Mapping[str, int] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    positive: Any = None


class Labels(NamedTuple):
    """A column of categories or classes; `None` is missing."""

    role: Role
    name: str
    values: tuple[str | None, ...]


class Owner(NamedTuple):
    """Whose predictions they are: a version of a model in a service."""

    service: str
    namespace: str
    environment: str
    model: str
    version: str | None = None


class Prediction(NamedTuple):
    """One predicted row while it waits for its label.

    `id` is the inference's; rows of a batch after the first have `:row` appended. `time` is in
    nanoseconds since the epoch. `scores` are probabilities by class: of two classes only the
    positive one's, under "" where its name is not known. `interval` is what the model says that
    the value lies in. The ids of trace and span are hex.
    """

    id: str
    time: int
    label: str | None = None
    value: float | None = None
    scores: tuple[tuple[str, float], ...] = ()
    interval: tuple[float, float] | None = None
    segments: tuple[tuple[str, str], ...] = ()
    trace_id: str = ""
    span_id: str = ""


class Truth(NamedTuple):
    """What turned out to be right of an inference, at a time of its own.

    A number is given as both, `label` and `value`: which one counts, its prediction tells. With a
    `model` it is right of that model's predictions only, whatever their version; without one of
    those that have no truth of their own.
    """

    id: str
    time: int
    label: str | None = None
    value: float | None = None
    weight: float = 1.0
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Predictions beside their truths: arrays of shape (rows,), `scores` (rows, len(classes)).

    Of a classifier `predicted` and `truth` are str in object arrays; of a regression float64. What
    a row lacks is None or NaN. `classes` names the columns of `scores`: one, the positive class,
    of a binary classifier.
    """

    predicted: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    weight: npt.NDArray[np.float64]
    classes: tuple[str, ...] = ()
    scores: npt.NDArray[np.float64] | None = None
    low: npt.NDArray[np.float64] | None = None
    high: npt.NDArray[np.float64] | None = None
    segments: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def classifies(self) -> bool:
        """Whether the truth is a class, not a number."""
        return self.truth.dtype.kind == "O"


class Origin(NamedTuple):
    """Where the rows of a call come from: when, in which span, and what they are called.

    `ids` has one id for all rows or one a row; with none the span's id is theirs. `rows` says
    which rows of the call its columns hold, where these are a sample. `intervals`, of shape
    (rows, 2), are those that the model says its values lie in.
    """

    time: int
    trace_id: int = 0
    span_id: int = 0
    ids: tuple[str, ...] = ()
    rows: npt.NDArray[np.intp] | None = None
    intervals: npt.NDArray[np.float64] | None = None


class Inference(NamedTuple):
    """One outermost model call, as a hook saw it; it never leaves the process.

    `unread` says that its columns are left out because they could not be read. One without an
    `origin` leaves no records of its rows.
    """

    model: Model
    operation: str
    system: str
    rows: int
    seconds: float
    columns: tuple[Block | Labels, ...] = ()
    error_type: str | None = None
    unread: bool = False
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A sketch of what one key saw in [start, end), in nanoseconds since the epoch."""

    key: Key
    start: int
    end: int
    sketch: Sketch


@dataclass(frozen=True, slots=True)
class Window:
    """The sum of a model's series over [start, end) in nanoseconds; a baseline is one of old."""

    model: Model
    start: int
    end: int
    sketches: Mapping[Key, Sketch]
    rows: int


class Verdict(StrEnum):
    """What a check says of a window."""

    OK = "ok"
    WARN = "warn"
    ALARM = "alarm"
    TOO_LITTLE_DATA = "too_little_data"
    NO_BASELINE = "no_baseline"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Limits:
    """Effect at which a check warns and alarms, and the effect that chance alone would show."""

    warn: float | None = None
    alarm: float | None = None
    null: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one column of one window against its baseline.

    `value` is the statistic itself, `effect` what the limits are compared with, `reference` the
    baseline's own value where there is one; `feature` is the column's name, `output` included;
    `interval` is the value's confidence interval where one is known.
    """

    model: str
    model_version: str | None
    role: Role
    feature: str | None
    check: str
    value: float | None
    p_value: float | None
    p_value_adjusted: float | None
    effect: float | None
    limits: Limits
    reference: float | None
    verdict: Verdict
    samples: int
    baseline_samples: int
    window: tuple[int, int]
    labels: tuple[tuple[str, str], ...] = field(default=())
    interval: tuple[float, float] | None = None

    def json(self) -> dict[str, Any]:
        """The finding as strict JSON: what is undefined or not finite is null, times are ISO."""
        return {
            "model": self.model,
            "model_version": self.model_version,
            "role": str(self.role),
            "feature": self.feature,
            "check": self.check,
            "value": _finite(self.value),
            "p_value": _finite(self.p_value),
            "p_value_adjusted": _finite(self.p_value_adjusted),
            "effect": _finite(self.effect),
            "limits": {
                "warn": _finite(self.limits.warn),
                "alarm": _finite(self.limits.alarm),
                "null": _finite(self.limits.null),
            },
            "reference": _finite(self.reference),
            "verdict": str(self.verdict),
            "samples": self.samples,
            "baseline_samples": self.baseline_samples,
            "window": {"start": iso(self.window[0]), "end": iso(self.window[1])},
        } | self._more()

    def _more(self) -> dict[str, Any]:
        """What only measures of performance have."""
        if self.role is not Role.ERROR:
            return {}
        interval = self.interval and [_finite(bound) for bound in self.interval]
        return {"attributes": dict(self.labels), "interval": interval}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def iso(nanos: int) -> str:
    """A time in nanoseconds since the epoch as ISO 8601 in UTC.

    >>> iso(1_500_000_000)
    '1970-01-01T00:00:01.500Z'
    """
    return f"{np.datetime64(nanos // 1_000_000, 'ms')}Z"


class Point(NamedTuple):
    """One additive piece of a series over [start, end) in nanoseconds, as a data point has it."""

    key: Key
    piece: Piece
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """A window that was kept to compare others with.

    `id` is the first 16 hex digits of the SHA-256 of its content, `created` is in nanoseconds
    since the epoch, `schema` maps each column to the kind of sketch it has. `columns` says which
    column of its data was the `prediction`, `score` or `target`, and which were `exclude`d.
    `outcomes` sums up predictions beside targets, as JSON has it, where the data had both.
    """

    id: str
    model: Model
    window: Window
    rows: int
    source: str
    created: int
    schema: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, Any] | None = None
