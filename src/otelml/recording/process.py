"""The recorder of this process and its bridge: one of each, safe over forks.

Nothing runs in the background but a thread that folds when the buffer fills up; otherwise data is
folded when a metric reader collects, and so leaves with the SDK's own last export.
"""

import atexit
import logging
import multiprocessing
import os
import sys
import threading
import time
from typing import Any, Final

from opentelemetry import _logs as logs
from opentelemetry import trace

from otelml import names
from otelml.recording.events import Sender
from otelml.recording.recorder import Recorder
from otelml.recording.rows import Predicted, Rows
from otelml.recording.settings import Settings
from otelml.wire.ending import flushing, hurry
from otelml.wire.sdk import Bridge

_logger = logging.getLogger("otelml")
_SECONDS: Final = 0.8
"""For how long a child's end waits for what is sent."""


class Process:
    """What the hooks of one process share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sender = Sender()
        rows = Rows(
            self._sent, self._sender.wanted, settings.segment_columns, settings.capture_inputs
        )
        self.recorder = Recorder(settings, on_full=self._wake, rows=rows)
        self.bridge = Bridge(self.recorder.drain, names.VERSION, settings.max_categories)
        self._tracers: trace.TracerProvider | None = None
        self.tracer = self._tracer()
        self._full = threading.Event()
        self._thread: threading.Thread | None = None
        self.armed = self._is_fork = False
        if hasattr(os, "register_at_fork"):  # Windows has none
            os.register_at_fork(after_in_child=self._forked)

    def attach(self, meters: object, tracers: trace.TracerProvider | None) -> None:
        """Begin to serve these providers, or else the global ones."""
        self.bridge.attach(meters)
        if tracers is not None:
            self._tracers = tracers
            self.tracer = self._tracer()

    def _tracer(self) -> trace.Tracer:
        return trace.get_tracer("otelml", names.VERSION, self._tracers)

    def providers(self) -> tuple[Any, Any, Any]:
        """The providers of metrics, logs and traces that take what is recorded."""
        tracers = self._tracers or trace.get_tracer_provider()
        return self.bridge.provider(), logs.get_logger_provider(), tracers

    def arm(self) -> None:
        """See to it that rows and spans leave at exit, before the SDK shuts down."""
        if not self.armed:
            self.armed = True
            atexit.unregister(self._leave)  # a parent's
            atexit.register(self._leave)  # exit handlers run in the opposite order
            if self._is_fork and multiprocessing.parent_process() is not None:
                # It is there in a child; elsewhere, to import it would add an exit handler.
                util: Any = sys.modules["multiprocessing.util"]
                util.Finalize(None, self._end, exitpriority=0)

    def _leave(self) -> None:
        """Send rows and spans while the SDK's readers, which come next, export for the last time.

        So a dead Collector delays the exit once, not once a signal.
        """
        meters, loggers, tracers = self.providers()
        hurry(meters, loggers, tracers)
        self.flush()
        flushing(loggers, tracers)

    def _end(self) -> None:
        """Send what a forked child of `multiprocessing` holds: no exit handlers run there."""
        self.flush()
        until = time.monotonic() + _SECONDS
        for sending in flushing(*self.providers()):
            sending.join(max(until - time.monotonic(), 0.0))

    def flush(self) -> None:
        """Send predicted rows now; their metrics go on by themselves."""
        try:
            self.recorder.send()
        except Exception:
            _logger.exception("otelml could not fold what was recorded, and left it out")

    def _sent(self, rows: list[Predicted]) -> int:
        try:
            return self._sender.send(rows)
        except Exception:
            _logger.exception("otelml could not send what was predicted, and left it out")
            return len(rows)

    def _wake(self) -> None:
        self._full.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._fold, name="otelml-fold", daemon=True)
            self._thread.start()

    def _fold(self) -> None:
        while self._full.wait():
            self._full.clear()
            self.flush()

    def _forked(self) -> None:
        """A child starts empty: what was recorded before is its parent's to send."""
        self._full, self._thread = threading.Event(), None
        self.armed, self._is_fork = False, True
        self._sender.forget()
        self.recorder.forget()
        self.bridge.forget()
