"""Processes that end: what they hold is sent, and they end as they would have."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from otelml import names
from tests.hooks.serving import NO_THREADS_AT_EXIT, Server
from tests.sink import Sink, http_sink

WORKER = """
import os, signal, sys, threading
from opentelemetry import trace
from otelml.hooks._shutdown import flush_at_sigterm

{before}
flush_at_sigterm()
trace.get_tracer("otelml").start_span("held").end()
{after}
os.kill(os.getpid(), signal.SIGTERM)
sys.exit(3)
"""


MOMENT = """
import otelml
from opentelemetry import trace
with trace.get_tracer("otelml").start_as_current_span("held"):
    otelml.record("m", features=[[1.0], [2.0]], prediction=["a", "b"])
"""


def started(script: str, sink: Sink, **env: str) -> "subprocess.Popen[bytes]":
    """A script under the real command, which exports nothing before it ends."""
    return subprocess.Popen(
        [
            Path(sys.executable).parent / "opentelemetry-instrument",
            sys.executable,
            "-c",
            script,
        ],
        env=os.environ
        | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "OTEL_BLRP_SCHEDULE_DELAY": "60000",
        }
        | env,
    )


def ended(before: str = "", after: str = "") -> tuple[int, Sink]:
    """How a worker ended, and what it sent."""
    with http_sink() as sink:
        code = started(WORKER.format(before=before, after=after), sink).wait(60)
    return code, sink


@NO_THREADS_AT_EXIT
@pytest.mark.parametrize(
    ("stuck", "records"),
    [("metrics", "true"), ("traces", "true"), ("logs", "true"), ("metrics", "false")],
)
def test_at_exit_no_signal_waits_for_another(stuck: str, records: str) -> None:
    rows = int(records == "true")
    with http_sink() as sink:
        sink.stuck = stuck

        def met() -> list[int]:
            return [len(requests) for requests in (sink.requests, sink.traces, sink.logs)]

        process = started(MOMENT, sink, OTELML_RECORDS=records)
        Server.wait_for(lambda: any(met()), 60)
        Server.wait_for(lambda: met() == [1, 1, rows], 20)  # metrics give up after 30 s
        meanwhile = met()
        sink.freed.set()
        assert 0 == process.wait(60)
    assert [1, 1, rows] == meanwhile == met()
    assert {"held", "predict m"} == {span.name for span in sink.spans()}
    assert rows == len(sink.events(names.RECORDS_EVENT))
    assert sink.points("ml.inference.predictions")


def test_what_is_held_is_sent() -> None:
    code, sink = ended()
    assert -signal.SIGTERM == code
    assert ["held"] == [span.name for span in sink.spans()]


def test_what_was_predicted_is_sent() -> None:
    lines = (
        "import otelml",
        "otelml.record('m', features=[[1.0], [2.0]], prediction=['a', 'b'])",
        "otelml.label('of-another', 'a')",
    )
    _, sink = ended(after="\n".join(lines))
    assert [1, 1] == [len(sink.events(name)) for name in (names.RECORDS_EVENT, names.TRUTH_EVENT)]


def test_the_app_s_own_handler_stays() -> None:
    code, _ = ended(before="signal.signal(signal.SIGTERM, lambda *_: os._exit(7))")
    assert 7 == code


def test_a_stuck_export_keeps_neither_it_nor_what_else_it_holds() -> None:
    lines = (
        "trace.get_tracer_provider().force_flush = lambda *_: threading.Event().wait()",
        "import otelml",
        "otelml.record('m', features=[[1.0], [2.0]], prediction=['a', 'b'])",
    )
    code, sink = ended(after="\n".join(lines))
    assert -signal.SIGTERM == code
    assert 1 == len(sink.events(names.RECORDS_EVENT))
    assert sink.points("ml.inference.predictions")
    assert not sink.spans()


def test_what_it_forked_ends_at_once() -> None:
    fork = "child = os.fork()\nif child: sys.exit(os.waitpid(child, 0)[1])"
    code, sink = ended(after=fork)
    assert signal.SIGTERM == code  # of the child, as `waitpid` tells
    assert ["held"] == [span.name for span in sink.spans()]  # once, by the parent's exit
