"""Buckets of one sign: which one a magnitude is in, what bounds it, and how many are in each.

At scale s the buckets are (base^i, base^(i+1)] with base = 2^(2^-s); a scale step down joins pairs
of buckets exactly ("perfect subsetting", OpenTelemetry metrics data model). Indices are taken at
the finest scale and shifted.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints

MOST: Final = 160
FINEST: Final = 20
COARSEST: Final = -10

Cells: TypeAlias = tuple[Ints, Ints]
"""Bucket indices, ascending and distinct, and their counts."""


def bucket_index(magnitudes: npt.ArrayLike, scale: int = FINEST) -> Ints:
    """Index of the bucket of each finite positive magnitude, the specification's one.

    >>> bucket_index([0.5, 1.0, 1.1, 2.0, 4.0], scale=0)
    array([-2, -1,  0,  0,  1])
    """
    fraction, exponent = np.frexp(np.asarray(magnitudes, np.float64))
    steps = np.ceil(np.log2(fraction) * 2.0**FINEST).astype(np.int64)
    index: Ints = (exponent.astype(np.int64) << FINEST) + steps - 1
    return index >> (FINEST - scale)


def bucket_bound(index: npt.ArrayLike, scale: int) -> Floats:
    """Lower bound of each bucket, base^index; 0 or infinity where a double cannot hold it."""
    with np.errstate(over="ignore", under="ignore"):
        bound: Floats = np.exp2(np.asarray(index, np.float64) * 2.0**-scale)
    return bound


@dataclass(eq=False)
class Buckets:
    """Dense counts of consecutive buckets, the first and the last not empty.

    Frozen by type alone, as `Exponential` is: a frozen dataclass takes four times as long to make,
    and the processor makes some for every point.
    """

    offset: Final[int]
    counts: Final[Ints]

    def __post_init__(self) -> None:
        self.counts.setflags(write=False)

    @classmethod
    def dense(cls, offset: int, counts: npt.ArrayLike) -> Self:
        """Buckets without the empty ones at either end."""
        array = np.asarray(counts, np.int64)
        filled = np.flatnonzero(array)
        if not filled.size:
            return cls(0, np.zeros(0, np.int64))
        first, last = int(filled[0]), int(filled[-1])
        return cls(int(offset) + first, array[first : last + 1].copy())

    @classmethod
    def of(cls, cells: Cells) -> Self:
        """Buckets of cells, none of them empty; they must span few."""
        index, counts = cells
        if not index.size:
            return cls(0, np.zeros(0, np.int64))
        dense = np.zeros(int(index[-1] - index[0]) + 1, np.int64)
        dense[index - index[0]] = counts
        return cls(int(index[0]), dense)

    def cells(self, shift: int = 0) -> Cells:
        """The filled buckets, joined `shift` scale steps down."""
        return join(filled(self.offset, self.counts), shift)

    def plus(self, other: Self, most: int) -> Self | None:
        """The sum with others of the same scale; None if they span more than `most` buckets."""
        if not self.counts.size or not other.counts.size:
            whole = self if self.counts.size else other
            return whole if whole.counts.size <= most else None
        first = min(self.offset, other.offset)
        end = max(self.offset + self.counts.size, other.offset + other.counts.size)
        if end - first > most:
            return None
        counts = np.zeros(end - first, np.int64)
        for part in (self, other):
            start = part.offset - first
            counts[start : start + part.counts.size] += part.counts
        return type(self)(first, counts)

    def indices(self) -> Ints:
        """Indices of all buckets, empty ones too, and the one after them."""
        return np.arange(self.offset, self.offset + self.counts.size + 1)

    @cached_property
    def count(self) -> int:
        """Values in them."""
        return int(self.counts.sum())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Buckets)
            and self.offset == other.offset
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds an array


def filled(offset: int, counts: Ints) -> Cells:
    """The cells of dense counts from the bucket `offset` on."""
    places = np.flatnonzero(counts)
    return places + offset, counts[places]


def signed(x: Floats, counts: Ints | None = None) -> tuple[int, list[Cells]]:
    """How many of some finite values are 0, and the positive and negative ones at the finest scale.

    Each is there `counts` times, or once.
    """
    sides = [(s > 0, s) for s in (x, -x)]
    cells = [
        tally(bucket_index(s[some]), None if counts is None else counts[some]) for some, s in sides
    ]
    total = x.size if counts is None else int(counts.sum())
    return total - sum(int(sums.sum()) for _, sums in cells), cells


def tally(index: Ints, counts: Ints | None = None) -> Cells:
    """Distinct indices in order, and the sum of counts (1 each by default) of each."""
    if counts is None:
        distinct, total = np.unique(index, return_counts=True)
        return distinct, total.astype(np.int64)
    distinct, inverse = np.unique(index, return_inverse=True)
    total = np.zeros(distinct.size, np.int64)
    np.add.at(total, inverse, counts)
    return distinct, total


def join(cells: Cells, shift: int) -> Cells:
    """The same counts, `shift` scale steps down; floor shifts, negative indices too."""
    if shift == 0 or not cells[0].size:
        return cells
    index = cells[0] >> shift
    first = np.concatenate([[0], np.flatnonzero(np.diff(index)) + 1])  # of each run of one index
    return index[first], np.add.reduceat(cells[1], first)


def steps_to_fit(low: int, high: int, most: int = MOST) -> int:
    """Scale steps down until the buckets from `low` to `high` are at most `most`."""
    steps = max(0, int(high - low + 1).bit_length() - most.bit_length())
    while (high >> steps) - (low >> steps) + 1 > most:
        steps += 1
    return steps
