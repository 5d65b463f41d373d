"""How a process ends: its signals leave side by side, and ours do not wait for a dead Collector.

The SDK's exporters try again for seconds, which is theirs to decide for what the app sends. What is
ours alone would delay an app that has nothing to send, so that is given up.
"""

import sys
import threading
import time
import traceback
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

_SECONDS: Final = 0.5
_TURN: Final = 0.05


def flushing(*providers: Any) -> list[threading.Thread]:
    """Threads in which these providers send what they hold; none waits for the others."""
    return [*filter(None, (_started(_flush, provider) for provider in providers))]


def hurry(meters: Any, loggers: Any, tracers: Any) -> None:
    """From now on, have exporters try again only while one of them has more to send than ours."""
    _started(_hurry, meters, loggers, tracers)


def _started(target: Any, *args: Any) -> threading.Thread | None:
    thread = threading.Thread(target=target, args=args, daemon=True)
    with suppress(RuntimeError):  # Python 3.12.0 to 3.12.2 start no threads at exit
        thread.start()
        return thread
    return None


def _flush(provider: Any) -> None:
    with suppress(Exception):  # exporters tell what they cannot send; an API's provider has no SDK
        provider.force_flush()


def _hurry(*providers: Any) -> None:
    time.sleep(_SECONDS)
    while True:  # until the process is gone
        with suppress(Exception):  # of an SDK that is another inside: it waits as it would
            _give_up_ours(*providers)
        time.sleep(_TURN)


def _give_up_ours(*providers: Any) -> None:
    trying = []
    pending = set[str]()
    for exporter, queue in _exporters(*providers):
        pending.update(_scopes([*queue]))
        if export := _export(exporter):
            pending.update(_scopes(export.sent))
            if export.failed:
                trying.append(exporter)
    if pending <= {"otelml"}:
        for exporter in trying:
            exporter.shutdown()


def _exporters(meters: Any, loggers: Any, tracers: Any) -> Iterator[tuple[Any, Collection[Any]]]:
    """The SDK's exporters, as far as they are known, and what waits for them in queues."""
    if consumer := getattr(meters, "_measurement_consumer", None):
        for reader in [*consumer._reader_storages]:
            if hasattr(reader, "_exporter"):
                yield reader._exporter, ()
    for provider, *path in (
        (loggers, "_multi_log_record_processor", "_log_record_processors"),
        (tracers, "_active_span_processor", "_span_processors"),
    ):
        for processor in getattr(getattr(provider, path[0], None), path[1], ()):
            if batch := getattr(processor, "_batch_processor", None):
                yield batch._exporter, batch._queue


class _Export(NamedTuple):
    sent: Any
    failed: bool
    """Whether it waits before it is tried again."""


def _export(exporter: Any) -> _Export | None:
    """The export that is under way, of which an exporter tells nobody: see what its thread does."""
    if not type(exporter).__module__.startswith("opentelemetry.exporter."):
        return None
    for frame in [*sys._current_frames().values()]:
        failed = False
        for at, _ in traceback.walk_stack(frame):
            failed = failed or at.f_code is threading.Event.wait.__code__
            if at.f_code.co_name == "export" and at.f_locals.get("self") is exporter:
                return _Export(at.f_locals[at.f_code.co_varnames[1]], failed)
    return None


def _scopes(data: Any) -> Iterable[str]:
    """The instrumentation scopes of metrics, spans or log records."""
    if resources := getattr(data, "resource_metrics", None):
        return [each.scope.name for resource in resources for each in resource.scope_metrics]
    return [each.instrumentation_scope.name for each in data]
