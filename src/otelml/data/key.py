"""What a series is of: a model, and a column of its data or its calls."""

from enum import StrEnum
from typing import Any, NamedTuple


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
