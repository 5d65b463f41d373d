"""Loading every hook imports no framework and nothing heavy."""

import subprocess
import sys
from importlib.metadata import entry_points

SCRIPT = """
import sys
from importlib.metadata import entry_points
for entry in entry_points(group="opentelemetry_instrumentor"):
    if entry.name.startswith("otelml-"):
        entry.load()().instrument()
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
AS_ON_WINDOWS = """
import concurrent.futures, logging, os, random, sys  # these look for it at their import
del os.register_at_fork
sys.modules |= dict.fromkeys(("fcntl", "grp", "pwd", "resource", "termios"))
"""
HEAVY = {
    "sklearn",
    "joblib",
    "pandas",
    "scipy",
    "grpc",
    "sqlalchemy",
    "pydantic",
    "uvicorn",
    "torch",
}


def test_hooks_import_no_framework() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert "otelml" in done.stdout.split()
    assert HEAVY.isdisjoint(done.stdout.split())


def test_hooks_load_where_nothing_forks() -> None:
    command = [sys.executable, "-c", AS_ON_WINDOWS + SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "" == done.stderr
    assert "otelml" in done.stdout.split()


def test_every_hook_is_an_entry_point() -> None:
    names = {entry.name for entry in entry_points(group="opentelemetry_instrumentor")}
    assert {"otelml-sklearn", "otelml-uvicorn"} <= names
