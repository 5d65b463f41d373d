"""How calls on small arrays are read when they are folded: many at once, as one matrix."""

from typing import TYPE_CHECKING, Any, Final

import numpy.typing as npt

from otelml.hooks._patch import failed
from otelml.hooks._reader import Reader
from otelml.recording.raw import Columns, Reading

if TYPE_CHECKING:
    from otelml.hooks._call import Call

_MOST: Final = 4_096
"""Values of an array that is kept as it is; a larger one is read at once."""


class Stack(Reading):
    """Calls of one model on arrays of one layout, read by the model's reader.

    To the reader it is a call without an instance and without calls within.
    """

    __slots__ = ("card", "inner", "instance", "reader")

    def __init__(
        self, reader: Reader, call: "Call", data: npt.NDArray[Any], result: npt.NDArray[Any]
    ) -> None:
        given, returned = (data.shape, data.dtype), (result.shape, result.dtype)
        super().__init__(call.model, call.operation, call.system, given, returned)
        self.reader, self.card = reader, call.card
        self.kind = id(self.card), *self.kind
        self.inner: dict[str, Any] = {}
        self.instance = None

    def fits(self, call: "Call", data: npt.NDArray[Any], result: npt.NDArray[Any]) -> bool:
        """Whether a call is read so."""
        shape, dtype = self.given
        if data.dtype is not dtype or data.shape != shape or call.card is not self.card:
            return False
        shape, dtype = self.returned
        return (
            result.dtype is dtype
            and result.shape == shape
            and call.model is self.model
            and call.system == self.system
        )

    def columns(
        self, data: npt.NDArray[Any] | None, result: npt.NDArray[Any]
    ) -> tuple[Columns, bool]:
        """Columns of the inputs, if given, and results of calls; whether some were unreadable."""
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
            outputs = tuple(reader.outputs(self.card, self, result))
        except Exception:
            failed(reader.outputs)
            unread = True
        return features + outputs, unread


def stackable(rows: int, data: npt.NDArray[Any], result: npt.NDArray[Any]) -> bool:
    """Whether a call of so many rows took a small matrix of numbers and gave numbers or text."""
    return (
        data.ndim == 2
        and 0 < data.size <= _MOST
        and data.dtype.kind in "fiu"
        and 0 < result.ndim < 3
        and 0 < result.size <= _MOST
        and result.dtype.kind in "fiubU"
        and len(data) == len(result) == rows
    )
