"""What a serving framework tells the model calls that it makes.

A model call within a serving framework's is recorded by the model library's own hook, which knows
the features best; the server adds its name, the model's name there, and the requests it serves.
Where no hook sees a model, the server's own hook records what it can read itself.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from opentelemetry import context, propagate, trace
from opentelemetry.context.context import Context
from opentelemetry.trace import Link

from otelml.data import Model
from otelml.hooks._patch import failed, guarded, outer, process
from otelml.recording.naming import REGISTRY

SERVING: Final = context.create_key("otelml-serving")
_ELSEWHERE: Final = -1


@dataclass(slots=True, eq=False, weakref_slot=True)
class Serving:
    """A request, or a batch of them, that a serving framework works on.

    `model` is what the server calls the model that it asks; it is given to the first model that is
    called, and later ones keep names of their own. `links` are the requests of a batch, `batch` is
    what a request became part of, `attributes` are added to the spans within.
    """

    system: str | None = None
    model: Model | None = None
    links: Sequence[Link] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    first: int | None = None
    batch: "Serving | None" = None

    def seen(self) -> bool:
        """Whether a model was called within it, or within its batch."""
        return self.first is not None or (self.batch is not None and self.batch.seen())

    def take(self, instance: Any, model: Model, library: str) -> tuple[str, Model]:
        """System and name of a model call within this request."""
        if self.first is None:
            self.first = id(instance)
        ours = self.model is not None and self.first == id(instance)
        if ours and not REGISTRY.is_given(instance, process().settings):
            model = self.model or model
        return self.system or library, model


class Records(Protocol):
    """What records a call afterwards: a `Caller` of the server's own reader."""

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
        """Record a call that is over."""


class Server:
    """The wrapper of the place where a serving framework asks its models, sync and async.

    `describe` tells of the request at hand; `records`, if given, records it where no model
    library's hook did.
    """

    def __init__(
        self,
        describe: Callable[[Any, tuple[Any, ...], dict[str, Any]], Serving],
        records: Records | None = None,
    ) -> None:
        self._describe, self._records = describe, records

    def __call__(
        self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call what is wrapped within a request."""
        serving = self._serving(instance, args, kwargs)
        if serving is None:
            return wrapped(*args, **kwargs)
        here, started = context.get_current(), (time.perf_counter(), time.time_ns())
        token = context.attach(context.set_value(SERVING, serving))
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            self._unseen(serving, here, instance, args, kwargs, started, None, error)
            raise
        finally:
            context.detach(token)
        self._unseen(serving, here, instance, args, kwargs, started, result, None)
        return result

    async def awaited(
        self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The same of a coroutine function."""
        serving = self._serving(instance, args, kwargs)
        if serving is None:
            return await wrapped(*args, **kwargs)
        here, started = context.get_current(), (time.perf_counter(), time.time_ns())
        token = context.attach(context.set_value(SERVING, serving))
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            self._unseen(serving, here, instance, args, kwargs, started, None, error)
            raise
        finally:
            context.detach(token)
        self._unseen(serving, here, instance, args, kwargs, started, result, None)
        return result

    def _serving(
        self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Serving | None:
        serving = None if outer() is not None else guarded(self._describe, instance, args, kwargs)
        around = context.get_value(SERVING)
        if isinstance(serving, Serving) and isinstance(around, Serving):
            serving.attributes = around.attributes | serving.attributes
            serving.links = serving.links or around.links
            serving.system = serving.system or around.system
            serving.model = serving.model or around.model
        return serving

    def _unseen(
        self,
        serving: Serving,
        here: Context,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        started: tuple[float, int],
        result: Any,
        error: BaseException | None,
    ) -> None:
        if self._records is None or serving.seen():
            return
        try:
            inside = context.set_value(SERVING, serving, here)
            self._records.told(inside, instance, args, kwargs, started, result, error)
        except Exception:
            failed(self._records.told)


def batch(system: str, requests: Sequence[Context], model: Model | None = None) -> Context:
    """The context of a batch: that of its only request, or one that links to all of them."""
    if len(requests) == 1:
        return requests[0]
    spans = [trace.get_current_span(request).get_span_context() for request in requests]
    serving = Serving(system, model, [Link(span) for span in spans if span.is_valid])
    for request in requests:
        if isinstance(asked := request.get(SERVING), Serving):
            asked.batch = serving
    return context.set_value(SERVING, serving, Context())


class Batches:
    """The requests that wait for a serving framework to make batches of them."""

    def __init__(self, system: str) -> None:
        self._system = system
        self._contexts: dict[int, Context] = {}

    def add(self, request: Any) -> None:
        """The request at hand begins to wait."""
        self._contexts[id(request)] = context.get_current()

    def leave(self, request: Any) -> None:
        """A request waits no longer."""
        self._contexts.pop(id(request), None)

    async def waiting(self, wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        """Wrapper of what takes a request, its first argument, and awaits the answer."""
        request = args[0] if args else next(iter(kwargs.values()))
        self.add(request)
        try:
            return await wrapped(*args, **kwargs)
        finally:
            self.leave(request)

    def batch(self, requests: Iterable[Any], model: Model | None = None) -> Context:
        """The context of a batch of them; the current one if it is made of others."""
        found = [self._contexts.pop(id(request), None) for request in requests]
        known = [each for each in found if each is not None]
        return batch(self._system, known or [context.get_current()], model)


async def within(here: Context, asked: Awaitable[Any]) -> Any:
    """Await something that has not begun yet, in another context."""
    token = context.attach(here)
    try:
        return await asked
    finally:
        context.detach(token)


def elsewhere() -> Serving | None:
    """The request at hand, marked as one whose model another process calls and records."""
    serving = context.get_value(SERVING)
    if not isinstance(serving, Serving):
        return None
    serving.first = _ELSEWHERE
    return serving


def carrier(here: Context | None = None) -> dict[str, str]:
    """The trace context, as headers that another process can take up."""
    headers: dict[str, str] = {}
    propagate.inject(headers, here)
    return headers


def uncarried(headers: Any) -> Context:
    """The context that such headers hold; an empty one if they hold none."""
    return propagate.extract(headers, Context()) if isinstance(headers, dict) else Context()


def taken_up(headers: Any) -> Context:
    """The context at hand, or that of a request's headers where nobody took it up yet."""
    here = context.get_current()
    if headers is None or trace.get_current_span(here).get_span_context().is_valid:
        return here
    return propagate.extract(dict(headers), here)
