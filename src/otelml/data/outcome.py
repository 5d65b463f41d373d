"""Single rows that were predicted, and what turned out to be right of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


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
