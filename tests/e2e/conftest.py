"""The real neighbours: a stock Collector, a Prometheus, the processor, a service, on loopback."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"
BIN = Path(sys.executable).parent
Answer = TypeVar("Answer")
collect_ignore = ["joining_process.py", "labelling_process.py", "lending.py"]  # they are run
sys.path.insert(0, str(DEMO))


def until(question: Callable[[], Answer], seconds: float = 60.0) -> Answer:
    """The first answer that is true; fails if there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if answer := question():
                return answer
        time.sleep(0.3)
    raise AssertionError(f"{question} did not come true in {seconds} s")


class Neighbours:
    """Processes of one test, with their logs in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = contextlib.ExitStack()

    def start(self, name: str, *command: object, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process; it is ended with the test."""
        log = self._stack.enter_context((self.folder / f"{name}.log").open("wb"))
        child = subprocess.Popen(
            [str(word) for word in command],
            env=os.environ | environment,
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._stack.callback(end, child)
        return child

    def collector(self, config: str, **addresses: str) -> None:
        """Start the stock Collector with a file as it is shipped."""
        binary = os.environ["OTELML_COLLECTOR"]
        file = ROOT / "collector-config" / config
        self.start("collector", binary, "--config", file, **addresses)

    def prometheus(self, target: str) -> Callable[[str], list[dict[str, Any]]]:
        """Start a Prometheus that scrapes `target`; returns what asks it in PromQL."""
        port = free_port()
        shutil.copy(ROOT / "collector-config" / "prometheus-rules.yaml", self.folder)
        shipped = (ROOT / "collector-config" / "prometheus.yaml").read_text()
        config = self.folder / "prometheus.yaml"
        config.write_text(shipped.replace("127.0.0.1:8889", target).replace("15s", "1s"))
        self.start(
            "prometheus",
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        )

        def ask(query: str) -> list[dict[str, Any]]:
            url = f"http://127.0.0.1:{port}/api/v1/query"
            answer = httpx.get(url, params={"query": query}).raise_for_status().json()
            found: list[dict[str, Any]] = answer["data"]["result"]
            return found

        return ask

    def close(self) -> None:
        """End every process."""
        self._stack.close()


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and wait."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@pytest.fixture
def neighbours(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Neighbours]:
    """Processes for one test; their logs are shown if it fails."""
    given = Neighbours(tmp_path)
    yield given
    given.close()
    for log in sorted(tmp_path.glob("*.log")):  # the call's own report is written by now
        text = log.read_text(errors="replace")[-4000:]
        request.node.add_report_section("teardown", log.name, text)
