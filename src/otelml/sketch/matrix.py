"""Many numeric columns at once: the fold that the recorder and the offline half run on.

Each column has a layout (scale, and the first bucket of either sign) that was chosen on the first
rows and is kept from then on, so that a block of values is some passes of numpy and one
`bincount`. What falls outside its column's layout goes through `Numeric`, and a layout that leaves
out too much is chosen anew.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from otelml.sketch.array import Floats, Ints
from otelml.sketch.buckets import MOST, filled
from otelml.sketch.moments import HUGE, Moments
from otelml.sketch.numeric import Numeric
from otelml.sketch.origin import ENOUGH

_BLOCK: Final = 32_768
"""Values folded in one pass: temporaries stay in the cache."""

_LONG: Final = 8_192
"""Rows of a block where there are so many: what is broadcast to shorter ones, NumPy copies."""

_WIDTH: Final = 2 * MOST
"""Buckets a sign while folding, more than a sketch has, so that few values fall outside."""

_SAMPLE: Final = 2_048
"""Rows on which a layout is chosen."""

_NEAR: Final = HUGE**2 / 4
"""Sum of squares up to which neither a value nor their pivot is beyond `HUGE`."""

_HELD: Final = 65_536
"""Values outside a column's layout that are kept as they are."""

_ASTRAY: Final = 0.05
"""Share of a column's values outside its layout at which another is chosen."""


class Matrix:
    """Accumulator of the sketches of `columns` columns.

    >>> matrix = Matrix(2)
    >>> matrix.update(np.array([[1.0, np.nan], [3.0, 5.0]]))
    >>> [sketch.mean for sketch in matrix.take()]
    [2.0, 5.0]
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._begun = False
        self._chosen = np.zeros(columns, np.bool_)  # which have a layout
        self._scale = np.zeros((columns, 1), np.int64)
        self._offset = np.zeros((2, columns, 1), np.int64)  # first bucket of either sign
        self._origin = np.zeros((columns, 1))
        self._pivot = np.zeros((columns, 1))
        self._base = np.arange(columns)[:, None] * (2 * _WIDTH)
        self._clear()

    def _clear(self) -> None:
        self._first: list[Floats] = []  # rows too few to choose a layout on
        self._counts = np.zeros((self.columns, 2, _WIDTH), np.int64)
        self._sums = np.zeros((3, self.columns))  # count, Σ(x − pivot), Σ(x − pivot)²
        self._minimum = np.full(self.columns, np.inf)
        self._maximum = np.full(self.columns, -np.inf)
        self._zeros = np.zeros(self.columns, np.int64)
        self._missing = np.zeros(self.columns, np.int64)
        self._non_finite = np.zeros(self.columns, np.int64)
        self._strays: list[list[Floats]] = [[] for _ in range(self.columns)]
        self._astray = np.zeros(self.columns, np.int64)
        self._held = np.zeros(self.columns, np.int64)  # strays that are kept as they are
        self._aside: dict[int, Numeric] = {}  # what was folded in a layout that was left

    def update(self, values: npt.ArrayLike) -> None:
        """Fold a (rows, columns) matrix; NaN is missing, infinities are not finite.

        Raises:
            ValueError: the matrix has another number of columns.

        """
        matrix = np.asarray(values, np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != self.columns:
            raise ValueError(f"shape {matrix.shape} does not fit: give (rows, {self.columns})")
        if not self._begun:
            if self._first or len(matrix) < ENOUGH:
                self._first.append(matrix.copy())
                if sum(map(len, self._first)) < ENOUGH:
                    return
                matrix, self._first = np.concatenate(self._first), []
            self._begun = True
        for blank in np.flatnonzero(~self._chosen):
            self._choose(int(blank), matrix)
        self._fold_all(matrix)
        for crowded in np.flatnonzero(self._held > _HELD).tolist():
            self._aside[crowded] = self._histograms(crowded)
            self._empty(crowded)
        for wanting in np.flatnonzero(self._astray > np.maximum(_ASTRAY * self._sums[0], 64)):
            self._choose(int(wanting), matrix)

    def take(self) -> list[Numeric]:
        """The sketch of each column since the last take; the layouts stay."""
        sketches = [self._sketch(column) for column in range(self.columns)]
        if self._first:
            rows = np.concatenate(self._first)
            sketches = [Numeric.of(rows[:, column]) for column in range(self.columns)]
        self._clear()
        return sketches

    def _choose(self, column: int, matrix: Floats) -> None:
        """Give a column a layout that suits the matrix, moving what it holds aside."""
        values = matrix[:, column]
        values = values[np.isfinite(values)]
        if not values.size:  # it waits for the first
            return
        self._chosen[column] = True
        sketch = Numeric.of(values[:: max(1, values.size // _SAMPLE)])
        held = self._histograms(column)
        if held.count:
            self._aside[column] = held
            sketch = held.merge(sketch)
            self._empty(column)
            self._astray[column] = 0
        else:
            self._pivot[column] = sketch.mean if sketch.moments.count else 0.0
        body = sketch.body
        self._scale[column], self._origin[column] = body.scale, body.origin
        for sign, buckets in enumerate((body.positive, body.negative)):
            spare = _WIDTH - buckets.counts.size
            self._offset[sign, column] = buckets.offset - spare // 2

    def _empty(self, column: int) -> None:
        """Start anew with a column's buckets and strays, which were moved aside."""
        self._counts[column] = self._zeros[column] = self._held[column] = 0
        self._strays[column] = []

    def _fold_all(self, matrix: Floats) -> None:
        """Fold a (rows, columns) matrix, block by block."""
        rows = max(1, len(matrix))
        wide = max(1, min(self.columns, _BLOCK // min(rows, _LONG)))
        rows = min(rows, _BLOCK // wide)
        # Once for all blocks: what is asked for and given back for each costs as much as to fold.
        room = np.empty((5, wide * rows))
        for start in range(0, len(matrix), rows):
            for first in range(0, self.columns, wide):
                some = slice(first, first + wide)
                self._fold(matrix[start : start + rows, some].T, some, room)

    def _fold(self, block: Floats, some: slice, room: Floats) -> None:
        """Fold a (columns, values) block of some columns; `room` is for what comes up."""
        held, index, x, spare, exponent = (a[: block.size].reshape(block.shape) for a in room)
        if not block.flags.c_contiguous:
            np.copyto(held, block)
            block = held
        scales, offset, origin = self._scale[some], self._offset[:, some], self._origin[some]
        finite = self._add_sums(block, some, index)
        x = np.subtract(block, origin, out=x) if origin.any() else block
        np.frexp(np.abs(x, out=index), index, exponent)
        scale = np.maximum(scales, 0)
        slots = spare.view(np.int64)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.log2(index, out=index)
            index *= 2.0**scale
            np.ceil(index, out=index)  # of the fraction alone, so that no digit is lost
            exponent *= 2.0**scale
            index += exponent
            if (scales < 0).any():
                index -= 1
                index *= 2.0 ** (scales - scale)
                np.floor(index, out=index)
                index += 1
            np.copyto(slots, index, casting="unsafe")
        slots -= offset[0] + 1
        below = None
        if (self._minimum[some] < origin[:, 0]).any():
            below = np.right_shift(x.view(np.int64), 63, out=exponent.view(np.int64))  # −1 or 0
            slots += np.bitwise_and(below, offset[0] - offset[1], out=index.view(np.int64))
        outside = slots.view(np.uint64) >= _WIDTH  # what is below 0, too
        slots += self._base[: len(block)]
        if below is not None:
            below &= _WIDTH
            slots += below
        if finite is not None:
            outside |= ~finite
        counts = self._counts[some]
        if outside.any():
            (strays,) = outside.ravel().nonzero()
            slots.ravel()[strays] = counts.size  # counted beyond the last bucket
            self._add_strays(block, strays, some, finite)
        found = np.bincount(slots.ravel(), minlength=counts.size)
        counts += found[: counts.size].reshape(counts.shape)

    def _add_sums(self, block: Floats, some: slice, room: Floats) -> npt.NDArray[np.bool_] | None:
        """Add to moments, extremes and quality counts; which values are finite, if not all."""
        pivot = self._pivot[some]
        deviations = np.subtract(block, pivot, out=room)
        finite = None
        count: Ints | int = block.shape[1]
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.einsum("ij,ij->i", deviations, deviations)
            usual = (squares + pivot[:, 0] ** 2).max() <= _NEAR  # not so if one is NaN
        if usual:
            low, high = block.min(axis=1), block.max(axis=1)
        else:
            finite = np.isfinite(block)
            missing = np.isnan(block).sum(axis=1)
            self._missing[some] += missing
            self._non_finite[some] += count - finite.sum(axis=1) - missing
            low = np.where(finite, block, np.inf).min(axis=1)
            high = np.where(finite, block, -np.inf).max(axis=1)
            kept = np.abs(block) <= HUGE  # NaN is not
            count = kept.sum(axis=1)
            deviations = np.where(kept, deviations, 0.0)
            squares = np.einsum("ij,ij->i", deviations, deviations)
        self._sums[0, some] += count
        self._sums[1, some] += deviations.sum(axis=1)
        self._sums[2, some] += squares
        self._minimum[some] = np.minimum(self._minimum[some], low)
        self._maximum[some] = np.maximum(self._maximum[some], high)
        return finite

    def _add_strays(
        self,
        block: Floats,
        strays: npt.NDArray[np.intp],
        some: slice,
        finite: npt.NDArray[np.bool_] | None,
    ) -> None:
        """Keep what is at these places, if finite, for later; zeros are counted."""
        if finite is not None:
            strays = strays[finite.ravel()[strays]]
        values = block.ravel()[strays]
        columns = strays // block.shape[1]
        zero = values == self._origin[some][columns, 0]
        self._zeros[some] += np.bincount(columns[zero], minlength=len(block))
        columns, values = columns[~zero], values[~zero]
        astray = np.bincount(columns, minlength=len(block))
        self._astray[some] += astray
        self._held[some] += astray
        for kept, part in zip(
            self._strays[some], np.split(values, astray.cumsum()[:-1]), strict=True
        ):
            if part.size:
                kept.append(part)

    def _histograms(self, column: int) -> Numeric:
        """Body and tail of what a column saw since the last take."""
        if self._sums[0, column] or self._counts[column].any() or self._zeros[column]:
            sketch = Numeric.of_cells(
                int(self._scale[column, 0]),
                int(self._zeros[column]),
                [filled(int(self._offset[s, column, 0]), self._counts[column, s]) for s in (0, 1)],
                (float(self._minimum[column]), float(self._maximum[column])),
                float(self._origin[column, 0]),
            )
        else:
            sketch = Numeric.empty()
        if self._strays[column]:
            sketch = sketch.merge(Numeric.of(np.concatenate(self._strays[column])))
        return self._aside[column].merge(sketch) if column in self._aside else sketch

    def _sketch(self, column: int) -> Numeric:
        held = self._histograms(column)
        count, total, squares = (float(part) for part in self._sums[:, column])
        moments = Moments.from_sums(float(self._pivot[column, 0]), int(count), total, squares)
        missing, non_finite = int(self._missing[column]), int(self._non_finite[column])
        return Numeric(held.body, held.tail, moments, missing, non_finite)
