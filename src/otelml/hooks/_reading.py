"""How calls are read: on small arrays many at once, when they are folded; others as they end."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from otelml.data import Role
from otelml.hooks._origin import place_of
from otelml.hooks._patch import failed, guarded, process
from otelml.hooks._reader import Column, Reader
from otelml.hooks._span import attributes_of, finished, title_of
from otelml.recording.buffer import Buffer, rows_of
from otelml.recording.columns import sample, taken
from otelml.recording.raw import Columns, Reading

if TYPE_CHECKING:
    from otelml.hooks._call import Call

_MOST: Final = 4_096
"""Values of an array that is kept as it is; a larger one is read at once."""
_STACKS: Final = 1024


class Stack(Reading):
    """Calls of one model on arrays of one layout, read by the model's reader.

    To the reader it is a call without an instance, options and calls within.
    """

    __slots__ = (
        "attributes",
        "card",
        "inner",
        "instance",
        "operation",
        "options",
        "reader",
        "system",
        "title",
    )

    def __init__(
        self, reader: Reader, call: "Call", data: npt.NDArray[Any], result: npt.NDArray[Any]
    ) -> None:
        given, returned = (data.shape, data.dtype), (result.shape, result.dtype)
        super().__init__(call.model, call.operation, call.system, given, returned)
        self.reader, self.card = reader, call.card
        self.operation, self.system = call.operation, call.system
        self.title, self.attributes = title_of(call), attributes_of(call)  # of their spans
        self.kind = id(self.card), *self.kind
        self.inner: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.instance = None

    def columns(
        self, data: npt.NDArray[Any] | None, result: npt.NDArray[Any]
    ) -> tuple[Columns, bool]:
        """Columns of the inputs, if given, and results of calls; whether some were unreadable."""
        fresh = data is not None
        features, outputs, unread = _read(self.reader, self, data, result, features=fresh)
        return features + outputs, unread


class Stacks:
    """The stacks of a reader's calls: the latest of each card, operation and number of rows."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._telling = reader, reader.telling
        self._stacks: dict[tuple[int, str, int], Stack] = {}  # by a card's id, which each holds

    def of(self, call: "Call") -> Stack | None:
        """The stack of calls that look like one that begins."""
        stack = self._stacks.get((id(call.card), call.operation, call.rows))
        if stack is None or stack.model is not call.model or stack.system != call.system:
            return None
        return stack

    def take(
        self, call: "Call", buffer: Buffer, result: Any, seconds: float, seen: set[Role] | None
    ) -> bool:
        """Whether a call is kept as the bytes of its arrays, to be read with others."""
        data, telling = call.data, self._telling
        if type(data) is not np.ndarray or type(result) is not np.ndarray or telling is None:
            return False
        if call.options or (call.inner and not telling.isdisjoint(call.inner)):
            return False
        stack = call.stack
        layout = data.shape, data.dtype, result.shape, result.dtype
        if stack is None or layout != stack.layout:
            if not _stackable(call.rows, data, result):
                return False
            stack = self._begun(call, data, result)
        if stack.weight > buffer.most:
            return False
        told: tuple[Column, ...] = ()
        span = call.span
        if span is not None:
            columns, seen = self._told(call, result, seen), None
            if columns is None:
                return False
            told = columns
        place = place_of(call)
        buffer.take(stack, (seconds, data.tobytes(), result.tobytes(), seen, *place, call.ids))
        if span is not None:
            finished(span, told, call.rows, None)
        return True

    def _begun(self, call: "Call", data: npt.NDArray[Any], result: npt.NDArray[Any]) -> Stack:
        if len(self._stacks) >= _STACKS:
            self._stacks.clear()
        stack = Stack(self._reader, call, data, result)
        self._stacks[id(call.card), call.operation, call.rows] = stack
        return stack

    def _told(self, call: "Call", result: Any, seen: set[Role] | None) -> tuple[Column, ...] | None:
        """What the span of a call tells of its result; None if the call is to be read at once.

        That is so where other calls in this request have told of the same input, or may yet.
        """
        if seen:
            return None
        if call.rows != 1 or not call.process.settings.capture_predictions:
            return () if seen is None else None
        try:
            columns = tuple(self._reader.outputs(call.card, call, result))
        except Exception:
            failed(self._reader.outputs)
            return None
        if seen is not None:
            seen.update((Role.FEATURE, *(column.role for column in columns)))
        return columns


def _stackable(rows: int, data: npt.NDArray[Any], result: npt.NDArray[Any]) -> bool:
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


def at_once(
    reader: Reader, call: "Call", result: Any, seen: set[Role] | None
) -> tuple[Columns, bool]:
    """Features and outputs of a call, and whether some could not be read.

    What a sibling call on the same input counted already, `seen`, is left out. Of a large call it
    is a sample of its rows, the call's `chosen` ones.
    """
    data = call.data
    if call.rows > (most := process().recorder.buffer.most):  # no more would be kept
        chosen = call.chosen = sample(call.rows, most)
        data, result = (guarded(taken, each, call.rows, chosen) for each in (data, result))
    fresh = not seen or Role.FEATURE not in seen
    features, outputs, unread = _read(reader, call, data, result, features=fresh)
    if call.chosen is not None:
        features, outputs = (_same(columns, call.chosen) for columns in (features, outputs))
    if seen is None:
        return features + outputs, unread
    new = tuple(column for column in outputs if column.role not in seen)
    seen.update((Role.FEATURE, *(column.role for column in new)))
    return features + new, unread


def _same(columns: Columns, chosen: npt.NDArray[np.intp]) -> Columns:
    """Columns of the chosen rows, also of what could not be cut before it was read."""
    return tuple(c if len(c.values) <= len(chosen) else rows_of(c, chosen) for c in columns)


def _read(
    reader: Reader, call: Any, data: Any, result: Any, *, features: bool
) -> tuple[Columns, Columns, bool]:
    """Features, if they are wanted, and outputs of calls; whether some could not be read."""
    inputs: Columns = ()
    outputs: Columns = ()
    unread = False
    with np.errstate(all="ignore"):  # the app's own may be to raise
        try:
            if features:
                inputs = reader.inputs(call.card, data)
        except Exception:
            failed(reader.inputs)
            unread = True
        try:
            outputs = tuple(reader.outputs(call.card, call, result))
        except Exception:
            failed(reader.outputs)
            unread = True
    return inputs, outputs, unread
