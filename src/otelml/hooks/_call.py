"""One outermost model call: its span, its time, and what it read and returned.

What surrounds a call is the same for every framework; a `Reader` knows the rest.
"""

import time
from contextvars import Token
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from opentelemetry import context, trace
from opentelemetry.context.context import Context

from otelml import names
from otelml.data import Inference, Model
from otelml.hooks._origin import given_ids, origin_of
from otelml.hooks._patch import CALL, SILENT, failed, guarded, outer, process
from otelml.hooks._reader import Card, Column, Reader
from otelml.hooks._reading import Stack, Stacks, at_once
from otelml.hooks._serving import SERVING, Serving
from otelml.hooks._shadow import SHADOWS
from otelml.hooks._siblings import Siblings
from otelml.hooks._span import finished, started
from otelml.recording.process import Process
from otelml.recording.recorder import Recorder

_new = tuple.__new__  # a NamedTuple's own constructor costs thrice as much
_SPAN: Final = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))
"""Where a context has its span."""


class Inner(NamedTuple):
    """A call within another one."""

    instance: Any
    result: Any
    reader: Reader


class Call:
    """A call in progress; calls within it, by operation, hand it what they returned.

    `args` and `options` are the arguments that the app gave by position and by keyword. What most
    calls have in common is the class's own: to set it would cost each of them.
    """

    instance: Any
    operation: str
    data: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    card: Card
    model: Model
    inner: dict[str, Inner]
    rows: int
    started: float
    system: str
    process: Process
    token: Token[Context] | None
    ids: tuple[str, ...] = ()
    serving: Serving | None = None
    parent: trace.Span = trace.INVALID_SPAN
    recorder: Recorder | None = None
    span: trace.Span | None = None
    stack: Stack | None = None
    chosen: npt.NDArray[np.intp] | None = None
    intervals: npt.NDArray[np.float64] | None = None
    over: bool = False


class Caller:
    """The wrapper of a framework's predict-like methods."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._stacks, self._siblings = Stacks(reader), Siblings()

    def __reduce__(self) -> tuple[Any, ...]:
        return object, ()  # other processes have their own

    def call(
        self,
        operation: str,
        wrapped: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Call what is wrapped, and record it as `operation` if it is outermost."""
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
        self,
        operation: str,
        wrapped: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The same of what awaits; within another call it hands over nothing."""
        here = context.get_current()
        call = None
        if outer(here) is None:
            call = self.begin(here, instance, operation, args, kwargs)
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
        """Start a call, or one that began at `since`; None if it cannot be recorded."""
        reader = self._reader
        try:
            arrays = reader.telling is not None and args and type(args[0]) is np.ndarray
            data = args[0] if arrays else reader.data(args, kwargs)
            card = reader.card(instance, data)
            call = Call()
            call.instance, call.operation, call.data = instance, operation, data
            call.args, call.options, call.card = args, kwargs, card
            call.inner = {}
            call.rows = len(data) if arrays and data.ndim else guarded(reader.rows, data) or 0
            call.model, call.system = card.model, reader.system or card.framework
            shared = call.process = process()
            serving: Serving | None = None
            if here:
                serving = here.get(SERVING)  # type: ignore[assignment]
                if serving is not None:
                    call.serving = serving
                    call.system, call.model = serving.take(instance, call.model, call.system)
                call.parent = trace.get_current_span(here)
            if here or shared.settings.id_column is not None:
                call.ids = guarded(given_ids, here, serving, data) or ()
            stack = call.stack = self._stacks.of(call) if arrays else None
            about = (call.model, operation, call.system) if stack is None else stack.about
            recorder = call.recorder = shared.recorder if shared.bridge.serving() else None
            if shared.settings.spans:  # a sampler or a processor of the app's may raise
                call.span = started(call, serving, here, since)
                around = Context({**here, _SPAN: call.span, CALL: call})
            else:
                around = Context({**here, CALL: call} if here else {CALL: call})
            call.token = context.attach(around)
        except Exception:
            failed(self.begin)
            return None
        if recorder is not None:
            recorder.start(about)  # from here on the call is sure to end
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
        call.over = True
        if call.token is not None:
            context.detach(call.token)
            call.token = None
        columns: tuple[Column, ...] = ()
        reason, unread = None, False
        try:
            recorder = call.recorder
            if error is None:
                if not call.rows:  # the input did not say
                    call.rows = self._reader.returned(result)
                    if call.span is not None:
                        call.span.set_attribute(names.BATCH_SIZE, call.rows)
                within = call.serving is not None or call.parent is not trace.INVALID_SPAN
                seen = self._siblings.seen(call) if within else None
                if (
                    recorder is not None
                    and not SHADOWS.used
                    and self._stacks.take(call, recorder.buffer, result, seconds, seen)
                ):
                    return
                columns, unread = at_once(self._reader, call, result, seen)
            else:
                reason = type(error).__qualname__
                if reason.endswith("NotFittedError"):
                    self._reader.unfitted(call.instance, call.card)
            if recorder is not None:
                recorder.buffer.put(
                    Inference(
                        call.model,
                        call.operation,
                        call.system,
                        call.rows,
                        seconds,
                        columns,
                        reason,
                        unread,
                        None if reason else origin_of(call),
                    )
                )
            if SHADOWS.used:
                SHADOWS.pair(_trace_of(call), context.get_current(), call.model, columns)
            if call.span is not None:
                finished(call.span, columns, call.rows, error)
        except Exception:
            failed(self.end)


def _trace_of(call: Call) -> int:
    """The trace that a call is in, its own span's where it has one; 0 outside of any."""
    return (call.parent if call.span is None else call.span).get_span_context().trace_id
