"""What a dead Collector adds to an app's exit: seconds with the hooks, beside those without."""

import os
import statistics
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

TURNS = 5
DEAD = "http://127.0.0.1:9"
HOOKS = ",".join(
    hook.name
    for hook in entry_points(group="opentelemetry_instrumentor")
    if hook.value.startswith("otelml")
)

MODEL = """
import time
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
rows, classes = load_iris(return_X_y=True)
LogisticRegression(max_iter=1000).fit(rows, classes).predict(rows)
"""
OWN = """
from opentelemetry import metrics, trace
metrics.get_meter("app").create_counter("own").add(1)
trace.get_tracer("app").start_span("own").end()
"""
END = "print(time.time(), flush=True)"

APPS = {"nothing of its own": MODEL, "a metric and a span of its own": MODEL + OWN}


def exit_of(app: str, protocol: str, disabled: str) -> float:
    """Seconds from the last line of an app to the end of its process."""
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    done = subprocess.run(
        [command, sys.executable, "-c", app + END],
        env=os.environ
        | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": DEAD,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return time.time() - float(done.stdout)


for protocol in ("http/protobuf", "grpc"):
    for kind, app in APPS.items():
        turns = [(exit_of(app, protocol, ""), exit_of(app, protocol, HOOKS)) for _ in range(TURNS)]
        hooked, bare = (statistics.median(seconds) for seconds in zip(*turns, strict=True))
        most = max(with_ - without for with_, without in turns)
        print(
            f"exit with a dead Collector, {protocol}, an app that sends {kind}: {hooked:.2f} s, "
            f"without hooks {bare:.2f} s; at most {most:+.2f} s in {TURNS} turns",
            flush=True,
        )
