"""What a series is of: a model, and a column of its data or its calls."""

from enum import StrEnum
from typing import Any, NamedTuple

from otelml import names


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
    tell apart what is left: operation, system and error type of calls, the class of a score, the
    slice of the rows that it is of.
    """

    model: Model
    role: Role
    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def segment(self) -> tuple[tuple[str, str], ...]:
        """Which slice of the rows it is of; empty of all of them."""
        return segment_of(self.labels)


def segment_of(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Those of the labels that tell apart slices.

    >>> segment_of((("ml.prediction.class", "a"), *segment("region", "north")))
    (('ml.segment.name', 'region'), ('ml.segment.value', 'north'))
    """
    return tuple(label for label in labels if label[0] in _SEGMENT) if labels else ()


def segment(name: str, value: str) -> tuple[tuple[str, str], ...]:
    """The labels of a slice: the column that it is cut by, and its value."""
    return ((names.SEGMENT_NAME, name), (names.SEGMENT_VALUE, value))


_SEGMENT = frozenset({names.SEGMENT_NAME, names.SEGMENT_VALUE})
