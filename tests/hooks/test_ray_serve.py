"""Ray Serve's replicas under the hooks."""

from pathlib import Path

from tests.hooks.serving import free_port, serving
from tests.sink import told

APP = """
import sys, signal, time
import numpy as np, ray
from ray import serve
from sklearn.linear_model import LogisticRegression

X = np.random.default_rng(0).normal(size=(60, 3))

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Clf:
    def __init__(self):
        self.model = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))

    async def __call__(self, request):
        rows = np.atleast_2d((await request.json())["x"])
        return self.model.predict_proba(rows).tolist()

ray.init(num_cpus=2, include_dashboard=False, _temp_dir=sys.argv[2])
serve.start(http_options={"port": int(sys.argv[1])})
serve.run(Clf.bind(), route_prefix="/clf")
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop:
    time.sleep(0.1)
serve.shutdown()
ray.shutdown()
"""
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "500"}


def test_requests_of_a_deployment(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    short = Path("/tmp") / f"ray-{port}"  # sockets have short paths
    command = ["python", "app.py", str(port), str(short)]
    with serving(command, tmp_path, "/-/healthz", port=port, **SOON) as server:
        server.retried("/clf", {"x": [0.9, 1, 2]}, {"x-request-id": "r9"})
        for _ in range(3):
            server.post("/clf", {"x": [0.9, 1, 2]}, {"x-request-id": "r9"})
        server.wait_for(lambda: server.sink.total("ml.inference.predictions") == 4)
        server.wait_for(lambda: len(server.sink.spans()) == 4)
        server.stop()
    sink = server.sink
    attributes = told(sink.spans()[0])
    assert ("ray.serve", "sklearn", "/clf", "r9") == (
        attributes["ml.system.name"],
        attributes["ml.framework.name"],
        attributes["http.route"],
        attributes["ml.inference.id"],
    )
    assert 4 == sink.total("ml.feature.value", ml_feature_name="x2")
