"""Bounded counts of categories: the heaviest are kept by name, the rest are pooled.

Up to `CAPACITY` categories the counts are exact, whatever the split and order of the parts; beyond
it the lightest lose their names, never their counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

OTHER: Final = "_OTHER"
"""Name on the wire of the categories that have none of their own."""

CAPACITY: Final = 1024
"""Categories kept by name inside a sketch; the wire carries fewer (see `capped`)."""


@dataclass(frozen=True, slots=True)
class Categories:
    """How often each category was seen.

    >>> Categories.of(["a", "b", "a", None]).merge(Categories.of(["c"]))
    Categories(counts=mappingproxy({'a': 2, 'b': 1, 'c': 1}), other=0, missing=1, mismatched=0)
    """

    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    other: int = 0
    missing: int = 0
    mismatched: int = 0

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen."""
        return cls()

    @classmethod
    def of(cls, values: Sequence[str | None], mismatched: int = 0) -> Self:
        """The sketch of some values; `None` is a missing one."""
        counts = Counter(values)
        missing = counts.pop(None, 0)
        return cls.counted(
            {name: n for name, n in counts.items() if name is not None},
            missing=missing,
            mismatched=mismatched,
        )

    @classmethod
    def counted(
        cls, counts: Mapping[str, int], other: int = 0, missing: int = 0, mismatched: int = 0
    ) -> Self:
        """The sketch of values that were counted already."""
        kept, rest = _heaviest(counts, CAPACITY)
        return cls(MappingProxyType(kept), other + rest, missing, mismatched)

    def merge(self, other: Self) -> Self:
        """The sketch of both."""
        counts = dict(self.counts)
        for name, count in other.counts.items():
            counts[name] = counts.get(name, 0) + count
        return self.counted(
            counts,
            self.other + other.other,
            self.missing + other.missing,
            self.mismatched + other.mismatched,
        )

    def capped(self, most: int = 64) -> Self:
        """The same counts with the `most` heaviest categories by name.

        >>> Categories.of(["a", "b", "a"]).capped(1)
        Categories(counts=mappingproxy({'a': 2}), other=1, missing=0, mismatched=0)
        """
        kept, rest = _heaviest(self.counts, most)
        return type(self)(MappingProxyType(kept), self.other + rest, self.missing, self.mismatched)

    @property
    def count(self) -> int:
        """Values with a category."""
        return sum(self.counts.values()) + self.other

    @property
    def observations(self) -> int:
        """Values seen, missing and mismatched ones included."""
        return self.count + self.missing + self.mismatched


def _heaviest(counts: Mapping[str, int], most: int) -> tuple[dict[str, int], int]:
    """The `most` heaviest, ties by name, in that order; and the sum of the rest."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:most]), sum(count for _, count in ranked[most:])
