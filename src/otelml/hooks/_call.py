"""One outermost model call: its span, its time, and what it read and returned.

What surrounds a call is the same for every framework; a `Reader` knows the rest.
"""

import time
import weakref
from collections import OrderedDict
from contextvars import Token
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from opentelemetry import context, trace
from opentelemetry.context.context import Context

from otelml import names
from otelml.data import Inference, Model, Origin, Role
from otelml.hooks._origin import given_ids, origin_of
from otelml.hooks._patch import CALL, SILENT, failed, guarded, outer, process
from otelml.hooks._reader import Card, Column, Reader
from otelml.hooks._reading import Stack, stackable
from otelml.hooks._serving import SERVING, Serving
from otelml.hooks._shadow import SHADOWS
from otelml.hooks._span import finished, started
from otelml.recording.columns import rows, sample, taken
from otelml.recording.raw import Raw
from otelml.recording.recorder import Recorder

_RECENT: Final = 256
_SHORT: Final = 1024
_STACKS: Final = 1024
_new = tuple.__new__  # a NamedTuple's own constructor costs thrice as much


class Inner(NamedTuple):
    """A call within another one."""

    instance: Any
    result: Any
    reader: Reader


class Call:
    """A call in progress; calls within it hand it what they returned.

    `args` and `options` are the arguments that the app gave by position and by keyword.
    """

    __slots__ = (
        "args",
        "card",
        "chosen",
        "data",
        "ids",
        "inner",
        "instance",
        "intervals",
        "model",
        "operation",
        "options",
        "parent",
        "recorder",
        "rows",
        "span",
        "started",
        "system",
        "token",
    )
    ids: tuple[str, ...]
    span: trace.Span | None
    recorder: Recorder | None
    parent: trace.Span
    rows: int
    started: float
    system: str
    token: Token[Context] | None

    def __init__(
        self,
        instance: Any,
        operation: str,
        data: Any,
        args: tuple[Any, ...],
        options: dict[str, Any],
        card: Card,
    ) -> None:
        self.instance, self.operation, self.data, self.card = instance, operation, data, card
        self.args, self.options = args, options
        self.inner: dict[str, Inner] = {}
        self.model = card.model
        self.span = None
        self.chosen: npt.NDArray[np.intp] | None = None
        self.intervals: npt.NDArray[np.float64] | None = None


class Caller:
    """The wrapper of a framework's predict-like methods, sync and async."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._recent: OrderedDict[tuple[int, int, Model], tuple[Any, set[Role]]] = OrderedDict()
        self._stacks: dict[tuple[int, str], Stack] = {}  # by the id of a card, which each holds

    def __reduce__(self) -> tuple[Any, ...]:
        return object, ()  # other processes have their own

    def __call__(
        self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call what is wrapped, and record it if it is outermost."""
        return self.call(wrapped.__name__, wrapped, instance, args, kwargs)

    def call(
        self,
        operation: str,
        wrapped: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The same, under another name than that of what is wrapped."""
        here = context.get_current()
        enclosing = outer(here) if here else None
        if enclosing is not None:
            result = wrapped(*args, **kwargs)
            if enclosing is not SILENT:
                enclosing.inner[operation] = _new(Inner, (instance, result, self._reader))
            return result
        call = self.begin(here, instance, operation, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            self.end(call, None, error)
            raise
        self.end(call, result)
        return result

    async def awaited(
        self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The same of a coroutine function."""
        here = context.get_current()
        if outer(here) is not None:
            return await wrapped(*args, **kwargs)
        call = self.begin(here, instance, wrapped.__name__, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            self.end(call, None, error)
            raise
        self.end(call, result)
        return result

    def begin(
        self,
        here: Context,
        instance: Any,
        operation: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        since: int | None = None,
    ) -> Call | None:
        """Start a call, or one that began at `since`; None if the model cannot be told."""
        reader = self._reader
        try:
            arrays = reader.telling is not None and args and type(args[0]) is np.ndarray
            data = args[0] if arrays else reader.data(args, kwargs)
            call = Call(instance, operation, data, args, kwargs, reader.card(instance, data))
        except Exception:
            failed(reader.card)
            return None
        call.rows = len(data) if arrays and data.ndim else guarded(reader.rows, data) or 0
        call.system = reader.system or call.card.framework
        serving: Serving | None = None
        call.parent = trace.INVALID_SPAN
        if here:
            serving = here.get(SERVING)  # type: ignore[assignment]
            if serving is not None:
                call.system, call.model = serving.take(instance, call.model, call.system)
            call.parent = trace.get_current_span(here)
        shared = process()
        call.ids = ()
        if here or shared.settings.id_column is not None:
            call.ids = guarded(given_ids, here, serving, data) or ()
        around = here
        if shared.settings.spans:
            call.span = started(call, serving, here, since)
            around = trace.set_span_in_context(call.span, here)
        call.recorder = shared.recorder if shared.bridge.serving() else None
        if call.recorder is not None:
            call.recorder.start(call.model, operation, call.system)
        call.token = context.attach(Context({**around, CALL: call} if around else {CALL: call}))
        call.started = time.perf_counter()
        return call

    def told(
        self,
        here: Context,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        started: tuple[float, int],
        result: Any,
        error: BaseException | None,
    ) -> None:
        """Record a call that is over; `started` is its start on both clocks."""
        call = self.begin(here, instance, "predict", args, kwargs, started[1])
        if call is not None:
            call.started = started[0]
            self.end(call, result, error)

    def leave(self, call: Call) -> None:
        """Leave the call's context, for a call that ends elsewhere."""
        if call.token is not None:
            context.detach(call.token)
            call.token = None

    def end(self, call: Call, result: Any, error: BaseException | None = None) -> None:
        """Finish a call; it never raises."""
        seconds = time.perf_counter() - call.started
        if call.token is not None:
            context.detach(call.token)
            call.token = None
        columns: tuple[Column, ...] = ()
        reason, unread = None, False
        try:
            if error is None:
                if not call.rows:  # the input did not say
                    call.rows = rows(result)
                    if call.span is not None:
                        call.span.set_attribute(names.BATCH_SIZE, call.rows)
                recorder = call.recorder
                if (
                    recorder is not None
                    and not SHADOWS.used
                    and self._taken(call, recorder, result, seconds)
                ):
                    return
                columns, unread = self._columns(call, result)
            else:
                reason = type(error).__qualname__
            if call.recorder is not None:
                call.recorder.buffer.put(
                    Inference(
                        call.model,
                        call.operation,
                        call.system,
                        call.rows,
                        seconds,
                        columns,
                        reason,
                        unread,
                        None if reason else self._origin(call),
                    )
                )
            if SHADOWS.used:
                SHADOWS.pair(_trace_of(call), context.get_current(), call.model, columns)
            if call.span is not None:
                finished(call.span, columns, call.rows, error)
        except Exception:
            failed(self.end)

    def _taken(self, call: Call, recorder: Recorder, result: Any, seconds: float) -> bool:
        """Whether a call is recorded as the bytes of its arrays, to be read with others."""
        data, telling = call.data, self._reader.telling
        if type(data) is not np.ndarray or type(result) is not np.ndarray or telling is None:
            return False
        if not telling.isdisjoint(call.inner):
            return False
        key = id(call.card), call.operation
        stack = self._stacks.get(key)
        if stack is None or not stack.fits(call, data, result):
            if not stackable(call.rows, data, result):
                return False
            stack = Stack(self._reader, call, data, result)
            if len(self._stacks) >= _STACKS:
                self._stacks.clear()
            self._stacks[key] = stack
        if stack.weight > recorder.buffer.most:
            return False
        seen = None if call.parent is trace.INVALID_SPAN else self._seen(call)
        told: tuple[Column, ...] = ()
        if call.span is not None:
            columns, seen = self._told(call, result, seen), None
            if columns is None:
                return False
            told = columns
        raw = stack, seconds, data.tobytes(), result.tobytes(), seen, origin_of(call)
        recorder.buffer.take(_new(Raw, raw))
        if call.span is not None:
            finished(call.span, told or (), call.rows, None)
        return True

    def _told(self, call: Call, result: Any, seen: set[Role] | None) -> tuple[Column, ...] | None:
        """What the span of a call tells of its result; None if the call is to be read at once.

        That is so where other calls in this request have told of the same input, or may yet.
        """
        if seen or call.span is None:
            return None
        if call.rows != 1 or not process().settings.capture_predictions:
            return () if seen is None else None
        try:
            columns = tuple(self._reader.outputs(call.card, call, result))
        except Exception:
            failed(self._reader.outputs)
            return None
        if seen is not None:
            seen.update((Role.FEATURE, *(column.role for column in columns)))
        return columns

    def _columns(self, call: Call, result: Any) -> tuple[tuple[Column, ...], bool]:
        """Features and outputs, and whether some could not be read.

        What a sibling call on the same input counted already is left out.
        """
        card, reader, data = call.card, self._reader, call.data
        if call.rows > (most := process().recorder.buffer.most):  # no more would be kept
            chosen = call.chosen = sample(call.rows, most)
            data, result = (guarded(taken, each, call.rows, chosen) for each in (data, result))
        seen = None if call.parent is trace.INVALID_SPAN else self._seen(call)
        features: tuple[Column, ...] = ()
        outputs: tuple[Column, ...] = ()
        unread = False
        try:
            outputs = tuple(reader.outputs(card, call, result))
        except Exception:
            failed(reader.outputs)
            unread = True
        try:
            if not seen or Role.FEATURE not in seen:
                features = reader.inputs(card, data)
        except Exception:
            failed(reader.inputs)
            unread = True
        if seen is None:
            return features + outputs, unread
        new = tuple(column for column in outputs if column.role not in seen)
        seen.update((Role.FEATURE, *(column.role for column in new)))
        return features + new, unread

    @staticmethod
    def _origin(call: Call) -> Origin | None:
        origin = origin_of(call)
        if origin is None or (call.chosen is None and call.intervals is None):
            return origin
        return origin._replace(rows=call.chosen, intervals=call.intervals)

    def _seen(self, call: Call) -> set[Role] | None:
        """Roles counted already of this very input in this request; None outside of one."""
        request = call.parent.get_span_context()
        if not request.is_valid:
            return None
        data = call.data
        reference: Any
        try:
            reference = weakref.ref(data)
        except TypeError:
            if not isinstance(data, list) or len(data) > _SHORT:
                return None
            reference = lambda: data  # noqa: E731 - a short list may be held for a while
        key = request.trace_id, request.span_id, call.model
        known = self._recent.get(key)
        if known is not None and known[0]() is data:
            return known[1]
        seen: set[Role] = set()
        self._recent[key] = reference, seen
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return seen


def _trace_of(call: Call) -> int:
    """The trace that a call is in, its own span's where it has one; 0 outside of any."""
    return (call.parent if call.span is None else call.span).get_span_context().trace_id
