"""Processes that end: what they hold is sent, and they end as they would have."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otelml import names
from tests.hooks.serving import NO_THREADS_AT_EXIT, Server
from tests.ports import free_port
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


OWN = {
    "metric": """
from opentelemetry import metrics
metrics.get_meter("app").create_counter("own").add(1)
""",
    "span": """
from opentelemetry import trace
trace.get_tracer("app").start_span("own").end()
""",
    "log": """
import time
from opentelemetry import _logs as logs
own = logs.LogRecord(timestamp=time.time_ns(), event_name="own")
logs.get_logger("app").emit(own)
""",
}


def started(script: str, endpoint: str, **env: str) -> "subprocess.Popen[bytes]":
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
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "OTEL_BLRP_SCHEDULE_DELAY": "60000",
        }
        | env,
        stdout=subprocess.PIPE,
    )


def ended(before: str = "", after: str = "") -> tuple[int, Sink]:
    """How a worker ended, and what it sent."""
    script = WORKER.format(before=before, after=after)
    with http_sink() as sink, started(script, sink.endpoint) as process:
        return process.wait(60), sink


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

        with started(MOMENT, sink.endpoint, OTELML_RECORDS=records) as process:
            Server.wait_for(lambda: any(met()), 60)
            Server.wait_for(lambda: met() == [1, 1, rows], 20)  # metrics give up after 30 s
            meanwhile = met()
            time.sleep(1.5)
            assert process.poll() is None  # a slow Collector is no dead one
            sink.freed.set()
            assert 0 == process.wait(60)
    assert [1, 1, rows] == meanwhile == met()
    assert {"held", "predict m"} == {span.name for span in sink.spans()}
    assert rows == len(sink.events(names.RECORDS_EVENT))
    assert sink.points("ml.inference.predictions")


@NO_THREADS_AT_EXIT
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("records", ["true", "false"])
def test_a_dead_collector_delays_the_exit_of_an_app_that_sends_nothing_itself_little(
    protocol: str, records: str
) -> None:
    script = f"{MOMENT}\nimport time\nprint(time.time(), flush=True)"
    env = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTELML_RECORDS": records,
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "system_metrics",  # they are the app's
    }
    with started(script, f"http://127.0.0.1:{free_port()}", **env) as process:
        assert process.stdout is not None
        at_the_end = float(process.stdout.readline())
        assert 0 == process.wait(60)
    assert time.time() - at_the_end < 15  # the SDK tries again for half a minute


@pytest.mark.parametrize("own", OWN)
def test_what_the_app_sends_itself_waits_for_the_collector_as_ever(own: str) -> None:
    port = free_port()
    script = f"{MOMENT}{OWN[own]}\nprint('over', flush=True)"
    with started(script, f"http://127.0.0.1:{port}") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(3)  # the SDK tries again after 1, 2, 4 seconds and so on
        with http_sink(port) as sink:
            assert 0 == process.wait(60)
    sent = {
        "metric": sink.points("own"),
        "span": [span for span in sink.spans(ours=False) if span.name == "own"],
        "log": sink.events("own"),
    }
    assert sent[own]


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
