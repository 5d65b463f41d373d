"""What detectors of concept drift have in common: a stream of errors in, positions of alarms out.

Whatever the batches in which the stream comes, the alarms are the same, to the last bit of the
state: sums are taken in the order of the values.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats

Bools: TypeAlias = npt.NDArray[np.bool_]

BLOCK: Final = 4096
"""Values that are looked at in one go; what follows a drift inside is looked at again."""

LARGEST: Final = 1e100
"""Greater errors count as this much, lest their squares overflow."""


class Alarms(NamedTuple):
    """Positions in a batch, from 0: where a warning began, and where there was a drift."""

    warnings: list[int]
    drifts: list[int]


@dataclass(slots=True)
class Detector(ABC):
    """Finds where the errors of a model change.

    Its parameters are its fields. What it knows of the present concept is `concept`, of bounded
    size; a drift begins a new one.
    """

    name: ClassVar[str]
    binary: ClassVar[bool]
    """Whether an error is 0 or 1 (right or wrong), not any real number."""
    concept_type: ClassVar[type[Any]]

    def update(self, errors: npt.ArrayLike) -> Alarms:
        """Take in the errors that follow, of shape (n,), and tell where they raise an alarm.

        Raises:
            ValueError: an error is not finite; or neither 0 nor 1 where it must be.

        """
        values = self._checked(errors)
        alarms = Alarms([], [])
        start = 0
        while start < len(values):
            block = values[start : start + BLOCK]
            drift, warned = self._run(block)
            alarms.warnings.extend(start + at for at in warned)
            if drift is None:
                start += len(block)
            else:
                alarms.drifts.append(start + drift)
                start += drift + 1
        return alarms

    def state(self) -> dict[str, Any]:
        """Its parameters and what it knows, for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """The detector that `state` described."""
        return cls(**{**state, "concept": cls.concept_type(**state["concept"])})

    def _checked(self, errors: npt.ArrayLike) -> Floats:
        values = np.asarray(errors, np.float64)
        if values.ndim != 1:
            raise ValueError(f"errors are a sequence of numbers, not of shape {values.shape}")
        if self.binary:
            if not np.isin(values, (0, 1)).all():
                raise ValueError(f"{self.name} takes errors of 0 or 1 only")
            return values
        if not np.isfinite(values).all():
            raise ValueError("an error is not finite")
        return np.clip(values, -LARGEST, LARGEST)

    @abstractmethod
    def _run(self, values: Floats) -> tuple[int | None, list[int]]:
        """Take in some values, at least one, up to the first drift.

        Returns:
            The position of the drift, and those where a warning began.

        """


def carried(before: float, values: npt.NDArray[Any]) -> Floats:
    """Running sum of the values after a sum of those before them."""
    return np.add.accumulate(np.concatenate([[before], values]))[1:]


def first(condition: Bools) -> int | None:
    """The first position at which it holds."""
    at = int(condition.argmax())
    return at if condition[at] else None


def onsets(condition: Bools, before: bool) -> list[int]:
    """Positions at which it begins to hold, if it did or did not hold before.

    >>> onsets(np.array([True, False, True, True]), before=True)
    [2]
    """
    return np.flatnonzero(condition & ~np.concatenate([[before], condition[:-1]])).tolist()
