"""The simplest sketch: how many."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things.

    >>> Count(2).merge(Count(3))
    Count(value=5)
    """

    value: int = 0

    @classmethod
    def empty(cls) -> Self:
        """Nothing counted."""
        return cls()

    def merge(self, other: Self) -> Self:
        """Both counts together."""
        return type(self)(self.value + other.value)
