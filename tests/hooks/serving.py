"""A real server under the real `opentelemetry-instrument`, and what it sent until it stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sink import Sink, http_sink

TRACE = "0af7651916cd43dd8448eb211c80319c"
NO_THREADS_AT_EXIT = pytest.mark.xfail(
    (3, 12) <= sys.version_info < (3, 12, 3),
    reason="Python 3.12.0 to 3.12.2 start no threads at exit (python/cpython#113964)",
)
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


class Server:
    """A server under test; what it sent is complete once it stopped."""

    def __init__(self, sink: Sink, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.sink, self.process, self.port = sink, process, port

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        """The answer to a JSON request, which is within a trace."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"} | PARENT | (headers or {}),
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def retried(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        """The same, of a route that may not be there yet."""
        for _ in range(100):
            try:
                return self.post(path, body, headers)
            except urllib.error.HTTPError:
                time.sleep(0.2)
        return self.post(path, body, headers)

    @staticmethod
    def wait_for(there: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something arrived, or the time is up: what is missing then, tests tell."""
        deadline = time.monotonic() + seconds
        while not there() and time.monotonic() < deadline:
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM, *, group: bool = False) -> None:
        """A signal to one process or its whole `group`; workers may outlive their parent."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        self.process.wait(60)
        self.wait_for(self.gone)

    def gone(self) -> bool:
        """Whether nothing is left of the server's process group."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False


@contextmanager
def serving(
    command: list[str], cwd: Path, ready: str, *, port: int, **env: str
) -> Iterator[Server]:
    """Run a command of this environment until its port answers at the path `ready`.

    Exports wait for longer than the test takes, so that what arrives was flushed at the end.
    """
    with http_sink() as sink:
        bin_ = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "OTEL_SERVICE_NAME": "under-test",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "OTEL_METRIC_EXPORT_INTERVAL": "600000",
            "PYTHONWARNINGS": "ignore",
        }
        log = (cwd / "server.log").open("wb")
        with (
            log,
            subprocess.Popen(
                [str(bin_ / "opentelemetry-instrument"), *command],
                cwd=cwd,
                env=environment | env,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            ) as process,
        ):
            try:
                _await(f"http://127.0.0.1:{port}{ready}", process, cwd / "server.log")
                yield Server(sink, process, port)
            finally:
                with contextlib.suppress(ProcessLookupError):  # what outlives its parent ends here
                    os.killpg(process.pid, signal.SIGKILL)


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError as answer:
            if answer.code in {404, 405}:
                return
        except OSError:
            pass
        else:
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-4000:]}")
