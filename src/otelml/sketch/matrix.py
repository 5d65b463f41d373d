"""Many numeric columns at once: the fold that the recorder and the offline half run on.

Each column has a layout (scale, and the first bucket of either sign) that was chosen on the first
rows and is kept from then on, so that a batch is one pass of numpy over the whole matrix and one
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

_BLOCK: Final = 16_384
"""Values folded in one pass: temporaries stay in the cache."""

_WIDTH: Final = 2 * MOST
"""Buckets a sign while folding, more than a sketch has, so that few values fall outside."""

_SAMPLE: Final = 2_048
"""Rows on which a layout is chosen."""

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
        self._chosen = False
        self._scale = np.zeros((columns, 1), np.int64)
        self._offset = np.zeros((2, columns, 1))  # first bucket of either sign
        self._origin = np.zeros((columns, 1))
        self._pivot = np.zeros((columns, 1))
        self._base = np.arange(columns)[:, None] * (2.0 * _WIDTH)
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
        self._aside: dict[int, Numeric] = {}  # what was folded in a layout that was left

    def update(self, values: npt.ArrayLike) -> None:
        """Fold a (rows, columns) matrix; NaN is missing, infinities are not finite.

        Raises:
            ValueError: the matrix has another number of columns.

        """
        matrix = np.asarray(values, np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != self.columns:
            raise ValueError(f"shape {matrix.shape} does not fit: give (rows, {self.columns})")
        if not self._chosen:
            if self._first or len(matrix) < ENOUGH:
                self._first.append(matrix.copy())
                if sum(map(len, self._first)) < ENOUGH:
                    return
                matrix, self._first = np.concatenate(self._first), []
            for column in range(self.columns):
                self._choose(column, matrix)
            self._chosen = True
        rows = max(1, _BLOCK // max(self.columns, 1))
        for start in range(0, len(matrix), rows):
            self._fold(np.ascontiguousarray(matrix[start : start + rows].T))
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
        sample = matrix[:: max(1, len(matrix) // _SAMPLE), column]
        sketch = Numeric.of(sample)
        if not sketch.count:
            return
        held = self._histograms(column)
        if held.count:
            self._aside[column] = held
            sketch = held.merge(sketch)
            self._counts[column] = self._zeros[column] = self._astray[column] = 0
            self._strays[column] = []
        else:
            self._pivot[column] = sketch.mean if sketch.moments.count else 0.0
        body = sketch.body
        self._scale[column], self._origin[column] = body.scale, body.origin
        for sign, buckets in enumerate((body.positive, body.negative)):
            spare = _WIDTH - buckets.counts.size
            self._offset[sign, column] = buckets.offset - spare // 2

    def _fold(self, block: Floats) -> None:
        """Fold a (columns, values) block."""
        finite = self._add_sums(block)
        x = block - self._origin if self._origin.any() else block
        fraction, exponent = np.frexp(np.abs(x))
        scale = np.maximum(self._scale, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            index = np.log2(fraction)
            index *= 2.0**scale
        np.ceil(index, out=index)  # of the fraction alone, so that no digit is lost
        index += exponent * 2.0**scale
        if (self._scale < 0).any():
            np.floor((index - 1) * 2.0 ** (self._scale - scale), out=index)
            index += 1
        index -= self._offset[0] + 1
        if negative := bool((self._minimum < self._origin[:, 0]).any()):
            below = x < 0
            index += below * (self._offset[0] - self._offset[1])
        inside = (index >= 0) & (index < _WIDTH)
        index += self._base
        if negative:
            index += below * float(_WIDTH)
        if inside.all():
            slots = index.ravel()
        else:
            slots = index[inside]
            self._add_strays(block, x, ~inside if finite is None else finite & ~inside)
        counts = np.bincount(slots.astype(np.intp), minlength=self._counts.size)
        self._counts += counts.reshape(self._counts.shape)

    def _add_sums(self, block: Floats) -> npt.NDArray[np.bool_] | None:
        """Add to moments, extremes and quality counts; which values are finite, if not all."""
        deviations = block - self._pivot
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.einsum("ij,ij->i", deviations, deviations)
        finite = None
        low = high = block
        count: Ints | int = block.shape[1]
        if not np.isfinite(squares).all():
            finite = np.isfinite(block)
            missing = np.isnan(block).sum(axis=1)
            self._missing += missing
            self._non_finite += block.shape[1] - finite.sum(axis=1) - missing
            low, high = np.where(finite, block, np.inf), np.where(finite, block, -np.inf)
            usual = finite & (np.abs(low) <= HUGE)
            count = usual.sum(axis=1)
            deviations = np.where(usual, deviations, 0.0)
            squares = np.einsum("ij,ij->i", deviations, deviations)
        elif max(-self._pivot.min(), self._pivot.max(), deviations.max(), -deviations.min()) > HUGE:
            usual = np.abs(block) <= HUGE
            count = usual.sum(axis=1)
            deviations = np.where(usual, deviations, 0.0)
            squares = np.einsum("ij,ij->i", deviations, deviations)
        self._sums[0] += count
        self._sums[1] += deviations.sum(axis=1)
        self._sums[2] += squares
        np.minimum(self._minimum, low.min(axis=1), out=self._minimum)
        np.maximum(self._maximum, high.max(axis=1), out=self._maximum)
        return finite

    def _add_strays(self, block: Floats, x: Floats, stray: npt.NDArray[np.bool_]) -> None:
        zero = stray & (x == 0)
        self._zeros += zero.sum(axis=1)
        stray &= ~zero
        per_column = stray.sum(axis=1)
        self._astray += per_column
        for column in np.flatnonzero(per_column):
            self._strays[column].append(block[column, stray[column]])

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
