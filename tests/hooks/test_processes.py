"""Servers of several processes: each worker reports as itself, nothing twice, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from tests.hooks.serving import NO_THREADS_AT_EXIT, Server, serving
from tests.ports import free_port
from tests.sink import http_sink

MODEL = """
import os
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(0).normal(size=(60, 3))
MODEL = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))
MODEL.predict(X[:5])  # a warm-up, before any fork
"""
ASGI = (
    MODEL
    + """
import asyncio
from fastapi import FastAPI
app = FastAPI()

@app.get("/ready")
def ready():
    return {"pid": os.getpid()}

@app.post("/predict")
def predict(rows: list[list[float]]):
    return MODEL.predict(np.asarray(rows)).tolist()

@app.post("/awaited")
async def awaited(rows: list[list[float]]):
    results = await asyncio.gather(
        *(asyncio.to_thread(MODEL.predict, np.asarray([row])) for row in rows)
    )
    return np.concatenate(results).tolist()
"""
)
WSGI = (
    MODEL
    + """
from flask import Flask, request
app = Flask(__name__)

@app.get("/ready")
def ready():
    return {"pid": os.getpid()}

@app.post("/predict")
def predict():
    return MODEL.predict(np.asarray(request.json)).tolist()
"""
)
CHILDREN = (
    MODEL
    + """
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

def work(rows):
    return len(MODEL.predict(X[:rows]))

if __name__ == "__main__":
    how = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, how) as pool:
        assert 14 == sum(pool.map(work, [2, 3, 4, 5]))
    child = how.Process(target=work, args=(7,))
    child.start()
    child.join()
"""
)
ROW = [[0.9, 1.0, 2.0]]


def asked(server: Server, path: str, number: int) -> None:
    """Requests that several clients make at once, each on a connection of its own."""

    def ask(_: int) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}{path}",
            json.dumps(ROW).encode(),
            {"content-type": "application/json", "connection": "close"},
        )
        urllib.request.urlopen(request, timeout=60).close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(number)))


def all_answer(server: Server, processes: int) -> bool:
    """Whether every worker is there: each is asked for its process until all have told it."""

    def pid(_: int) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/ready", headers={"connection": "close"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            told: int = json.loads(answer.read())["pid"]
            return told

    seen: set[int] = set()

    def complete() -> bool:
        with ThreadPoolExecutor(8) as pool:
            seen.update(pool.map(pid, range(16)))
        return len(seen) >= processes

    server.wait_for(complete, 60)
    return len(seen) == processes


INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
UVICORN = ["uvicorn", "app:app", "--port", "{port}"]
GUNICORN = ["gunicorn", "app:app", "-b", "127.0.0.1:{port}", "-w", "2"]


@pytest.mark.parametrize(
    ("command", "app", "processes"),
    [
        ([*UVICORN], ASGI, 1),
        ([*UVICORN, "--workers", "2"], ASGI, 2),
        ([*GUNICORN, "-k", "uvicorn_worker.UvicornWorker"], ASGI, 2),
        ([*GUNICORN, "-k", "uvicorn_worker.UvicornWorker", "--preload"], ASGI, 2),
        ([*GUNICORN], WSGI, 2),
        ([*GUNICORN, "--preload"], WSGI, 2),
        ([*GUNICORN, "--threads", "4", "--preload"], WSGI, 2),
        # gevent needs a thread to find a host: the SDK alone sends nothing either.
        pytest.param([*GUNICORN, "-k", "gevent"], WSGI, 2, marks=NO_THREADS_AT_EXIT),
    ],
    ids=[
        "uvicorn",
        "workers",
        "gunicorn-uvicorn",
        "gunicorn-uvicorn-preload",
        "sync",
        "preload",
        "threads",
        "gevent",
    ],
)
def test_every_worker_reports_once(
    tmp_path: Path, command: list[str], app: str, processes: int
) -> None:
    (tmp_path / "app.py").write_text(app)
    port = free_port()
    words = [word.format(port=port) for word in command]
    with serving(words, tmp_path, "/ready", port=port) as server:
        assert all_answer(server, processes)
        asked(server, "/predict", 40)
        server.stop()
    sink = server.sink
    log = (tmp_path / "server.log").read_text()
    warm_ups = 1 if "--preload" in command else processes
    assert 40 + 5 * warm_ups == sink.total("ml.inference.predictions"), log
    assert 40 + 5 * warm_ups == sink.total("ml.feature.value", ml_feature_name="x1")
    assert 40 == sum(span.name.startswith("predict") for span in sink.spans()) - warm_ups
    if Version(version("opentelemetry-sdk")) >= Version("1.44"):  # before, a fork kept its id
        assert len(sink.instances()) >= processes
    assert "otelml" not in log  # gevent and the SDK's own threads do log at the end


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_loses_nothing(tmp_path: Path, workers: int) -> None:
    (tmp_path / "app.py").write_text(ASGI)
    port = free_port()
    command = ["uvicorn", "app:app", "--port", str(port), "--workers", str(workers)]
    with serving(command, tmp_path, "/ready", port=port) as server:
        assert all_answer(server, workers)
        asked(server, "/predict", 40)
        server.stop(signal.SIGINT, group=True)  # as Ctrl-C does
    assert 40 + 5 * workers == server.sink.total("ml.inference.predictions")
    assert 40 + workers == sum(span.name.startswith("predict") for span in server.sink.spans())


STOPS = """
import asyncio, sys
import uvicorn
from app import app

server = uvicorn.Server(uvicorn.Config(app, port=int(sys.argv[1])))

@app.get("/stop")
def stop():
    server.should_exit = True

asyncio.run(server.serve())
"""


def test_a_server_that_stops_by_itself_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ASGI)
    (tmp_path / "stops.py").write_text(STOPS)
    port = free_port()
    with serving(["python", "stops.py", str(port)], tmp_path, "/ready", port=port) as server:
        asked(server, "/predict", 40)
        urllib.request.urlopen(f"http://127.0.0.1:{port}/stop", timeout=60).close()
        assert 0 == server.process.wait(60)
    assert 45 == server.sink.total("ml.inference.predictions")
    assert 41 == sum(span.name.startswith("predict") for span in server.sink.spans())


def test_asyncio_keeps_the_calls_apart(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ASGI)
    port = free_port()
    with serving(["uvicorn", "app:app", "--port", str(port)], tmp_path, "/ready", port=port) as s:
        s.post("/awaited", ROW * 20)
        s.stop()
    assert 25 == s.sink.total("ml.inference.predictions")
    assert 0 == s.sink.total("ml.inference.active")


@pytest.mark.parametrize("how", ["fork", "forkserver", "spawn"])
def test_children_lose_nothing_at_their_end(tmp_path: Path, how: str) -> None:
    (tmp_path / "app.py").write_text(CHILDREN.replace("MODEL.predict(X[:5])", "pass"))
    with http_sink() as sink:
        done = subprocess.run(
            [INSTRUMENT, sys.executable, "app.py", how],
            cwd=tmp_path,
            env=os.environ
            | {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    assert 21 == sink.total("ml.inference.predictions"), done.stderr
    assert 21 == sink.total("ml.feature.value", ml_feature_name="x1")
    assert 5 == sum(span.name.startswith("predict") for span in sink.spans())
    rows = sum(
        len(event["ml.inference.ids"].values) for event in sink.events("ml.inference.records")
    )
    assert 21 == rows
