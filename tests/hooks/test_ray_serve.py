"""Ray Serve's replicas under the hooks."""

from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.hooks.serving import TRACE, serving
from tests.ports import free_port
from tests.sink import Sink, told

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
        return self.model.predict_proba(np.concatenate(rows)).tolist()

    async def __call__(self, request):
        return await self.many((await request.json())["x"])

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Doubled:
    @serve.batch(max_batch_size=2, batch_wait_timeout_s=20)
    async def predict(self, rows):
        return [[[2.5 * value for value in row] for row in each] for each in rows]

APPS = {
    "clf": Clf.bind(),
    "front": Front.bind(Clf.bind()),
    "batched": Batched.bind(),
    "doubled": Front.bind(Doubled.bind()),
}

ray.init(num_cpus=2, include_dashboard=False, _temp_dir=sys.argv[2])
serve.start(http_options={"port": int(sys.argv[1])})
for name, app in APPS.items():
    serve.run(app, name=name, route_prefix="/" + name)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())  # Ray has set a handler of its own
print("up", flush=True)
stop.wait()
serve.shutdown()
ray.shutdown()
"""
BODY = {"x": [[0.9, 1, 2]]}


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Sink:
    """What was sent by the time that all apps were asked and shut down."""
    home = tmp_path_factory.mktemp("ray")
    (home / "app.py").write_text(APP)
    port = free_port()
    with (
        TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as short,  # it holds sockets
        serving(["python", "app.py", str(port), short], home, "/-/healthz", port=port) as server,
    ):
        server.wait_for(lambda: "\nup\n" in (home / "server.log").read_text(), 60)
        for _ in range(4):
            server.post("/clf", BODY, {"x-request-id": "r9"})
        server.post("/front", BODY, {"x-request-id": "r10"})
        for route in ("/batched", "/doubled"):
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda _, r=route: server.post(r, BODY), range(2)))
        server.stop()
    return server.sink


def spans(sink: Sink, route: str) -> list[Any]:
    return [span for span in sink.spans() if route == told(span).get("http.route", "")]


def test_requests_of_a_deployment(sink: Sink) -> None:
    found = spans(sink, "/clf")
    attributes = told(found[0])
    assert ("ray.serve", "sklearn", "r9") == (
        attributes["ml.system.name"],
        attributes["ml.framework.name"],
        attributes["ml.inference.id"],
    )
    assert [TRACE] * 4 == [span.trace_id.hex() for span in found]


def test_the_trace_goes_from_deployment_to_deployment(sink: Sink) -> None:
    (span,) = spans(sink, "/front")
    assert ("predict_proba LogisticRegression", TRACE) == (span.name, span.trace_id.hex())
    assert "r10" == told(span)["ml.inference.id"]


def test_a_batch_links_to_its_requests(sink: Sink) -> None:
    (span,) = spans(sink, "")
    assert ("ray.serve", 2) == (
        told(span)["ml.system.name"],
        told(span)["ml.inference.batch.size"],
    )
    assert [TRACE, TRACE] == [link.trace_id.hex() for link in span.links]
    assert b"" == span.parent_span_id


def test_a_batch_that_no_library_sees(sink: Sink) -> None:
    found = spans(sink, "/doubled")
    assert ["predict Doubled"] * 2 == [span.name for span in found]
    assert [TRACE, TRACE] == [span.trace_id.hex() for span in found]
    assert 2 == sink.total("ml.prediction.value", ml_output_name="1")


def test_nothing_is_counted_twice_or_lost(sink: Sink) -> None:
    assert 4 + 1 + 2 == sink.total("ml.inference.predictions", ml_model_name="LogisticRegression")
    assert 4 + 1 + 2 == sink.total(
        "ml.feature.value", ml_feature_name="x2", ml_model_name="LogisticRegression"
    )
    assert 4 + 1 + 2 + 2 == sink.total("ml.inference.predictions")
