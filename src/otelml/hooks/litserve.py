"""LitServe: requests in its workers, to which the trace context is carried.

A worker's loop runs in one thread: it decodes the requests of a batch one after the other, then
predicts once. So what was decoded since the last prediction is what a prediction serves.

SIGTERM ends LitServe's main process at once, and its workers live on, and export, unless they are
sent the signal, too: then they flush, and so they do when LitServe ends them on a graceful stop.
"""

import inspect
import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

from opentelemetry import context

from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded
from otelml.hooks._reader import Card, Column, Reader, classified, named, tensor, version_of
from otelml.hooks._serving import Server, Serving, batch, carrier, uncarried
from otelml.hooks._shutdown import flush_at_sigterm
from otelml.recording.columns import as_array


class Carried(dict[Any, Any]):
    """A request's body on its way to a worker, with the trace context beside it."""

    otelml_context: dict[str, str]


class _InputReader(Reader):
    """Inputs of models that no model library's hook sees."""

    framework = "litserve"
    system = "litserve"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args[2]

    def describe(self, instance: Any, data: Any) -> Card:
        version = version_of("litserve")
        return Card(named(instance, type(instance).__name__, None), self.framework, version)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        if inspect.isgenerator(result):
            raise TypeError("a stream yields its results later")
        array = as_array(result)
        if array.dtype.kind == "f":
            yield from tensor(array)
        else:
            yield classified(array.ravel())


class _Worker(threading.local):
    """The requests that a worker's loop has decoded and not yet predicted."""

    def __init__(self) -> None:
        self.requests: list[context.Context] = []


class LitserveInstrumentor(Instrumentor):
    """Hooks of LitServe."""

    modules: ClassVar[tuple[str, ...]] = ("litserve.server", "litserve.loops.base")
    distribution: ClassVar[str] = "litserve"
    supported: ClassVar[str] = ">=0.2.5"
    covers: ClassVar[Coverage] = Coverage(
        "`predict` of an API",
        features=True,
        confidence=True,
        classes=True,
        names=True,
        context="into workers; batches: links",
    )
    reader: ClassVar[Reader] = _InputReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if module.__name__ == "litserve.server":
            patches.wrap(module.BaseRequestHandler, "_prepare_request", _prepared)
            return
        if multiprocessing.current_process().name == "inference-worker":
            guarded(flush_at_sigterm)
        worker = _Worker()
        server = Server(lambda *_: Serving("litserve"), Caller(self.reader))

        def run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            method = getattr(args[1], "__name__", "")
            if method == "decode_request":
                args = (*args[:2], guarded(_decoded, worker, args[2]), *args[3:])
            if method != "predict":
                return wrapped(*args, **kwargs)
            requests, worker.requests = worker.requests, []
            token = context.attach(batch("litserve", requests or [context.get_current()]))
            try:
                return server(wrapped, args[1].__self__, args, kwargs)
            finally:
                context.detach(token)

        patches.wrap(module, "_inject_context", run)


async def _prepared(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Send the trace context with the body to the worker."""
    body = await wrapped(*args, **kwargs)
    if type(body) is not dict or not (headers := guarded(carrier)):
        return body
    carried = Carried(body)
    carried.otelml_context = headers
    return carried


def _decoded(worker: _Worker, body: Any) -> Any:
    """The bare body, as the app knows it."""
    if not isinstance(body, Carried):
        return body
    worker.requests.append(uncarried(body.otelml_context))
    return dict(body)
