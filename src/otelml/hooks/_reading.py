"""How calls on small arrays are read when they are folded: many at once, as one matrix."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otelml.data import Model
from otelml.hooks._patch import failed
from otelml.hooks._reader import Card, Reader
from otelml.recording.raw import Columns, Reading

MOST: Final = 4_096
"""Values of an array that is kept as it is; a larger one is read at once."""

NUMBERS: Final = frozenset("fiu")
_PLAIN: Final = frozenset("fiubU")


class Stack(Reading):
    """The calls of one model and operation, read by its reader.

    To the reader it is a call without an instance and without calls within.
    """

    __slots__ = ("card", "inner", "instance", "reader")

    def __init__(
        self,
        reader: Reader,
        card: Card,
        layout: tuple[np.dtype[Any], int],
        called: tuple[Model, str, str],
    ) -> None:
        super().__init__(*called, *layout)
        self.reader, self.card = reader, card
        self.inner: dict[str, Any] = {}
        self.instance = None

    def columns(
        self, data: npt.NDArray[Any] | None, result: npt.NDArray[Any] | None
    ) -> tuple[Columns, bool]:
        """Columns of inputs and results; whether some were unreadable."""
        reader = self.reader
        features: Columns = ()
        outputs: Columns = ()
        unread = False
        try:
            if data is not None:
                features = reader.inputs(self.card, data)
        except Exception:
            failed(reader.inputs)
            unread = True
        try:
            if result is not None:
                outputs = tuple(reader.outputs(self.card, self, result))
        except Exception:
            failed(reader.outputs)
            unread = True
        return features + outputs, unread


def plain(result: Any, rows: int) -> bool:
    """Whether what a call returned is a small array of numbers or text, with so many rows."""
    return (
        type(result) is np.ndarray
        and 0 < result.ndim < 3
        and len(result) == rows
        and 0 < result.size <= MOST
        and result.dtype.kind in _PLAIN
    )
