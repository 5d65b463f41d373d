"""Ray Serve's replicas under the hooks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.hooks.serving import TRACE, Server, free_port, serving
from tests.sink import told

APP = """
import sys, signal, threading
import numpy as np, ray
from ray import serve
from sklearn.linear_model import LogisticRegression

X = np.random.default_rng(0).normal(size=(60, 3))

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Clf:
    def __init__(self):
        self.model = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))

    async def __call__(self, request):
        return self.predict((await request.json())["x"])

    def predict(self, row):
        return self.model.predict_proba(np.atleast_2d(row)).tolist()

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Front:
    def __init__(self, behind):
        self.behind = behind

    async def __call__(self, request):
        return await self.behind.predict.remote((await request.json())["x"])

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Batched(Clf.func_or_class):
    @serve.batch(max_batch_size=2, batch_wait_timeout_s=20)
    async def many(self, rows):
        return self.model.predict_proba(np.asarray(rows)).tolist()

    async def __call__(self, request):
        return await self.many((await request.json())["x"])

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Doubled:
    @serve.batch(max_batch_size=2, batch_wait_timeout_s=20)
    async def predict(self, rows):
        return [[2.5 * value for value in row] for row in rows]

APPS = {
    "clf": lambda: Clf.bind(),
    "front": lambda: Front.bind(Clf.bind()),
    "batched": lambda: Batched.bind(),
    "doubled": lambda: Front.bind(Doubled.bind()),
}

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
ray.init(num_cpus=2, include_dashboard=False, _temp_dir=sys.argv[2])
serve.start(http_options={"port": int(sys.argv[1])})
serve.run(APPS[sys.argv[3]](), route_prefix="/clf")
print("up", flush=True)
stop.wait()
serve.shutdown()
ray.shutdown()
"""
BODY = {"x": [0.9, 1, 2]}


@contextmanager
def running(app: str, home: Path) -> Iterator[Server]:
    (home / "app.py").write_text(APP)
    port = free_port()
    short = f"/tmp/ray-{port}"  # sockets have short paths
    command = ["python", "app.py", str(port), short, app]
    with serving(command, home, "/-/healthz", port=port) as server:
        server.wait_for(lambda: "\nup\n" in (home / "server.log").read_text(), 60)
        yield server


def test_requests_of_a_deployment(tmp_path: Path) -> None:
    with running("clf", tmp_path) as server:
        for _ in range(4):
            server.post("/clf", BODY, {"x-request-id": "r9"})
        server.stop()
    sink = server.sink
    attributes = told(sink.spans()[0])
    assert ("ray.serve", "sklearn", "/clf", "r9") == (
        attributes["ml.system.name"],
        attributes["ml.framework.name"],
        attributes["http.route"],
        attributes["ml.inference.id"],
    )
    assert [TRACE] * 4 == [span.trace_id.hex() for span in sink.spans()]
    assert 4 == sink.total("ml.inference.predictions")
    assert 4 == sink.total("ml.feature.value", ml_feature_name="x2")


def test_the_trace_goes_from_deployment_to_deployment(tmp_path: Path) -> None:
    with running("front", tmp_path) as server:
        server.post("/clf", BODY, {"x-request-id": "r9"})
        server.stop()
    (span,) = server.sink.spans()
    assert ("predict_proba LogisticRegression", TRACE) == (span.name, span.trace_id.hex())
    assert "r9" == told(span)["ml.inference.id"]
    assert 1 == server.sink.total("ml.inference.predictions")


def posted_at_once(server: Server) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: server.post("/clf", BODY), range(2)))


def test_a_batch_links_to_its_requests(tmp_path: Path) -> None:
    with running("batched", tmp_path) as server:
        posted_at_once(server)
        server.stop()
    (span,) = server.sink.spans()
    assert ("ray.serve", 2) == (
        told(span)["ml.system.name"],
        told(span)["ml.inference.batch.size"],
    )
    assert [TRACE, TRACE] == [link.trace_id.hex() for link in span.links]
    assert b"" == span.parent_span_id
    assert 2 == server.sink.total("ml.inference.predictions")


def test_a_batch_that_no_library_sees(tmp_path: Path) -> None:
    with running("doubled", tmp_path) as server:
        posted_at_once(server)
        server.stop()
    spans = server.sink.spans()
    assert ["predict Doubled"] * 2 == [span.name for span in spans]
    assert [TRACE, TRACE] == [span.trace_id.hex() for span in spans]
    assert 2 == server.sink.total("ml.prediction.value", ml_output_name="1")
