"""Watch a real scikit-learn model drift, be caught and recover.

    python examples/demo          shows it live
    python examples/demo --once   runs unattended; the last line of stdout is a JSON object

It builds a baseline, starts `otelml serve` and a FastAPI service under `opentelemetry-instrument`,
replays wines over HTTP, shifts two features for a while, and checks what comes out at the far end.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
from far_end import FarEnd
from rich.console import Console
from rich.live import Live
from screen import screen
from sklearn.datasets import load_wine

from otelml.wire import file

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
MODEL = "wine"
SHIFTED = {"ash": 1.5, "magnesium": 1.5}  # by how many standard deviations
QUIET, DRIFT, PATIENCE = 12.0, 14.0, 60.0  # seconds
BATCH = 100

CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}"}}
      http: {{endpoint: "127.0.0.1:{http}"}}
processors:
  otelml:
    windows: {{length: 3s, lateness: 1s, min_samples: 200}}
    baselines: {{directory: {folder}/baselines}}
    alerts: {{open_after: "2 of 3", resolve_after: 2}}
exporters:
  otlp_grpc: {{endpoint: "127.0.0.1:{far}", tls: {{insecure: true}}}}
extensions:
  storage: {{url: "sqlite:///{folder}/otelml.db"}}
  health: {{endpoint: "127.0.0.1:{health}"}}
service:
  pipelines:
    metrics: {{receivers: [otlp], processors: [otelml], exporters: [otlp_grpc]}}
    logs: {{receivers: [otlp], processors: [otelml], exporters: [otlp_grpc]}}
    traces: {{receivers: [otlp], exporters: [otlp_grpc]}}
"""


def free_ports() -> Iterator[int]:
    """Ports on loopback that nobody listens on, below those that systems lend to connections."""
    for port in random.sample(range(20_000, 32_000), 12_000):
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            yield port


@contextlib.contextmanager
def started(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child process, ended with its block."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT, cwd=HERE
        )
        try:
            yield child
        finally:
            stop(child)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, and wait."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a child answers; show its log if it does not."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url).status_code < 500:
                return
        time.sleep(0.2)
    sys.exit(f"no answer from {url}:\n{log.read_text()}")


class Replay:
    """Wines, drawn with replacement, sent to the service."""

    def __init__(self, wines: pd.DataFrame, url: str) -> None:
        self._wines, self._url = wines, url
        self._client = httpx.Client(timeout=30)
        self.sent = 0

    def batch(self, *, shifted: bool) -> None:
        """Send one batch."""
        rows = self._wines.sample(BATCH, replace=True)
        if shifted:
            for name, deviations in SHIFTED.items():
                rows = rows.assign(**{name: rows[name] + deviations * self._wines[name].std()})
        answer = self._client.post(self._url, json=rows.to_dict("records")).raise_for_status()
        self.sent += len(answer.json())


def phases(replay: Replay, end: FarEnd) -> Iterator[str]:
    """Send batches: quiet, shifted, and quiet again until all alarms resolved."""
    began = time.monotonic()
    while (age := time.monotonic() - began) < QUIET + DRIFT + PATIENCE:
        shifted = QUIET <= age < QUIET + DRIFT
        replay.batch(shifted=shifted)
        if age >= QUIET + DRIFT and end.opened and not end.open():
            return
        yield "shifted" if shifted else "as in training"
        time.sleep(0.1)


def main(*, once: bool) -> int:
    """Run the demo; 0 if exactly the shifted features alarmed, resolved, and nothing was lost."""
    console = Console(stderr=True)
    wines = load_wine(as_frame=True).data
    end = FarEnd()
    end.start()
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        folder = Path(scratch)
        (folder / "baselines").mkdir()
        drawn = wines.sample(20_000, replace=True, random_state=0)
        drawn.to_csv(folder / "training.csv", index=False)
        built = folder / "baselines" / "wine.json"
        command = [BIN / "otelml", "baseline", "build", folder / "training.csv"]
        subprocess.run([*command, "-o", built, "--model", MODEL], check=True)
        ports = dict(zip(("grpc", "http", "health", "service"), free_ports(), strict=False))
        config = folder / "processor.yaml"
        config.write_text(CONFIG.format(folder=folder, far=end.port, **ports))

        log = folder / "processor.log"
        serve = [str(BIN / "otelml"), "serve", "--config", str(config)]
        processor = stack.enter_context(started(serve, log))
        wait_for(f"http://127.0.0.1:{ports['health']}", processor, log)

        log = folder / "service.log"
        service_url = f"http://127.0.0.1:{ports['service']}"
        instrumented = [str(BIN / "opentelemetry-instrument"), str(BIN / "uvicorn"), "service:app"]
        service = stack.enter_context(
            started(
                [*instrumented, "--port", str(ports["service"]), "--log-level", "warning"],
                log,
                OTEL_SERVICE_NAME="wine-service",
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{ports['grpc']}",
                OTEL_METRIC_EXPORT_INTERVAL="500",
                OTELML_MODEL_NAME=MODEL,
            )
        )
        wait_for(f"{service_url}/docs", service, log)

        replay = Replay(wines, f"{service_url}/predict")
        live = None if once else stack.enter_context(Live(console=console, screen=True))
        baseline, shown = file.read(built), ""
        for phase in phases(replay, end):
            if live is not None:
                live.update(screen(end, baseline, phase, replay.sent))
            elif phase != shown:
                console.print(f"{replay.sent:6} rows sent; now {phase}")
                shown = phase
        stop(service)  # sends what it holds
        stop(processor)  # passes it on
        end.stop()
    alarmed = {alarm["feature"] for alarm in end.opened}
    exact = end.predicted == replay.sent
    result = {
        "alarms": end.opened,
        "expected": sorted(SHIFTED),
        "inferences": replay.sent,
        "exact": exact,
    }
    print(json.dumps(result))
    return int(not (alarmed == set(SHIFTED) and not end.open() and exact))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(once="--once" in sys.argv[1:]))
    sys.exit(130)
