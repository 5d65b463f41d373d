"""Sums by the bin of a real number, over bins that fit themselves and still merge exactly.

A float's bits, read as an integer, keep the order of numbers, and shifting them right pools
neighbours: bins of a relative width, as an exponential histogram has them. Here the bits are those
of the distance from zero or, between ½ and 1, from one: as fine at both ends of a probability as
log odds are. Bins are as fine as leaves at most `most` of them filled, so that few distinct values
each have their own; one odd value costs one bin. Every level pools bins of the one before, and a
union never needs a finer level than its parts: the bins depend on the values, not on how they were
split or in which order they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats

Ints: TypeAlias = npt.NDArray[np.int64]

_MANTISSA: Final = 50
"""Bits of the mantissa that are looked at, so that all keys fit into 64 bits."""

_OCTAVE: Final = 1 << _MANTISSA
_HALF: Final = 1022 * _OCTAVE
"""Key of ½; that of zero is 0."""

_ONE: Final = _HALF + 53 * _OCTAVE
"""Key of one, which has an octave of keys to itself."""

_FINE: Final = 44
"""Level with 64 bins an octave; until there each level halves the bins."""

_FAR: Final = (976 * _OCTAVE, 8)
"""Then those of magnitudes below 2⁻⁴⁷ are halved, so many times: four octaves a bin."""

_OUTER: Final = (1016 * _OCTAVE, 1028 * _OCTAVE, 3)
"""Then those within 2⁻⁷ of zero, or below one, so many times: eight bins an octave.

Probabilities never need more than the 1,828 bins that there are now; for other numbers all bins are
halved again.
"""

_ALL: Final = _FINE + _FAR[-1] + _OUTER[-1]


@dataclass(frozen=True, eq=False)
class Bins:
    """Sums of shape (bins, columns) by bin, in ascending order of the binned numbers.

    >>> one = Bins.of(np.array([0.1, 0.1, 0.7]), np.ones((3, 1)), most=8)
    >>> one.merge(Bins.of(np.array([0.7]), np.ones((1, 1)), most=8)).sums.ravel()
    array([2., 2.])
    """

    most: int
    level: int
    index: Ints
    sums: Floats

    def __post_init__(self) -> None:
        self.index.setflags(write=False)
        self.sums.setflags(write=False)

    @classmethod
    def empty(cls, columns: int, most: int) -> Self:
        """Nothing seen."""
        return cls(most, 0, np.zeros(0, np.int64), np.zeros((0, columns)))

    @classmethod
    def of(cls, x: Floats, columns: Floats, most: int) -> Self:
        """The sums of the rows of `columns`, shape (rows, columns), by the bin of finite `x`."""
        return cls._fitted(most, 0, keys(x), columns)

    @classmethod
    def _fitted(cls, most: int, level: int, index: Ints, sums: Floats) -> Self:
        """Bins as fine as they may be, of rows that lie in bins of this level."""
        filled, slots = np.unique(index, return_inverse=True)
        fit = _level(filled, level, most)
        if fit > level:
            filled, again = np.unique(coarser(filled, level, fit), return_inverse=True)
            slots = again[slots]
        pooled = [np.bincount(slots, column, minlength=filled.size) for column in sums.T]
        return cls(most, fit, filled, np.stack(pooled, axis=1) if filled.size else sums)

    def merge(self, other: Self) -> Self:
        """The sums of both."""
        level = max(self.level, other.level)
        index = [coarser(part.index, part.level, level) for part in (self, other)]
        sums = np.concatenate([self.sums, other.sums])
        return self._fitted(self.most, level, np.concatenate(index), sums)

    @cached_property
    def edges(self) -> tuple[Floats, Floats]:
        """Lower and upper bounds of the bins."""
        lower, width = key_ranges(self.index, self.level)
        return numbers(lower), numbers(lower + width)

    @cached_property
    def middles(self) -> Floats:
        """Middles of the bins; at the finest level a bin is a number, up to rounding."""
        lower, upper = self.edges
        if not self.level:
            return lower
        middles: Floats = lower / 2 + upper / 2
        return middles

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Bins)
            and (self.most, self.level) == (other.most, other.level)
            and np.array_equal(self.index, other.index)
            and np.array_equal(self.sums, other.sums)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON: distances between bins, and the sums by column."""
        return {
            "level": self.level,
            "steps": np.diff(self.index, prepend=0).tolist(),
            "sums": [[_short(number) for number in column] for column in self.sums.T.tolist()],
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], most: int) -> Self:
        """What `dump` described."""
        sums = np.array(state["sums"], np.float64).T
        return cls(most, state["level"], np.cumsum(np.array(state["steps"], np.int64)), sums)


def _short(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _level(filled: Ints, level: int, most: int) -> int:
    """The finest level, from this one on, at which sorted bins are few enough."""
    if filled.size <= most:
        return level
    low, high = level, _ALL + 62 - _FINE
    while high - low > 1:
        middle = (low + high) // 2
        pooled = coarser(filled, level, middle)
        few = np.count_nonzero(pooled[1:] != pooled[:-1]) < most
        low, high = (low, middle) if few else (middle, high)
    return high


def coarser(index: Ints, level: int, to: int) -> Ints:
    """The bins of a coarser level that bins of one level lie in; keys are bins of level 0."""
    index = index >> min(to, _FINE) - min(level, _FINE)
    if level < _ALL and to > _FINE:
        for region, halved in _regions(index << _FINE, to):
            index = np.where(region, index >> halved << halved, index)
    return index >> max(to - _ALL, 0) - max(level - _ALL, 0)


def key_ranges(index: Ints, level: int) -> tuple[Ints, Ints]:
    """The least keys of bins, and how many keys each has."""
    shift = min(level, _FINE) + max(level - _ALL, 0)
    key = index << shift
    width = np.full(index.shape, 1 << shift)
    for region, halved in _regions(key, level) if level > _FINE else ():
        width = np.where(region, np.maximum(width, 1 << _FINE + halved), width)
    return key, width


def _regions(key: Ints, level: int) -> list[tuple[npt.NDArray[np.bool_], int]]:
    """Which keys lie far out, and less far, and how often their bins are halved at a level."""
    (far, most_far), (outer, near_one, most_outer) = _FAR, _OUTER
    halved_far = min(max(level - _FINE, 0), most_far)
    halved_outer = min(max(level - _FINE - most_far, 0), most_outer)
    is_far = (key >= -far) & (key < far)
    is_outer = ((key >= -outer) & (key < outer) & ~is_far) | ((key >= near_one) & (key < _ONE))
    return [(is_far, halved_far), (is_outer, halved_outer)]


def keys(x: Floats) -> Ints:
    """Integers in the order of finite numbers."""
    bits = _bits(np.abs(x))
    near_one = (x > 0.5) & (x < 1)
    if near_one.any():
        bits = np.where(near_one, 2 * _HALF - _bits(np.abs(1 - x)), bits)
    bits = np.where(x >= 1, bits + (_ONE - 1023 * _OCTAVE) + _OCTAVE * (x > 1), bits)
    return np.where(x < 0, -bits, bits)


def numbers(key: Ints) -> Floats:
    """The least number of a key."""
    magnitude = np.abs(key)
    above = magnitude - (_ONE - 1023 * _OCTAVE) - _OCTAVE
    found = np.where(key < 0, -1.0, 1.0) * _float(np.where(key <= _HALF, magnitude, above))
    found = np.where((key > _HALF) & (key < _ONE), 1 - _float(2 * _HALF - key), found)
    return np.where((key >= _ONE) & (key <= _ONE + _OCTAVE), 1.0, found)


_LARGEST: Final = int(np.finfo(np.float64).max.view(np.int64) >> 2)


def _bits(magnitude: Floats) -> Ints:
    return magnitude.view(np.int64) >> 2


def _float(bits: Ints) -> Floats:
    return (np.clip(bits, 0, _LARGEST) << 2).view(np.float64)
