"""LitServe's server under the hooks: the trace reaches its workers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hooks.serving import TRACE, serving
from tests.ports import free_port
from tests.sink import told

APP = """
import sys
import litserve as ls, numpy as np
from sklearn.linear_model import LogisticRegression

X = np.random.default_rng(0).normal(size=(60, 3))

class API(ls.LitAPI):
    def setup(self, device):
        self.model = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))

    def decode_request(self, request):
        assert type(request) is dict
        return np.asarray(request["x"])

    def predict(self, x):
        return self.model.predict_proba(np.atleast_2d(x))

    def encode_response(self, output):
        return {"p": np.asarray(output).ravel().tolist()}

class Bare(API):
    def predict(self, x):
        return x[:1] * 1.5

if __name__ == "__main__":
    port, batch, kind = int(sys.argv[1]), int(sys.argv[2]), globals()[sys.argv[3]]
    more = {"max_batch_size": batch, "batch_timeout": 20} if batch > 1 else {}
    server = ls.LitServer(kind(**more), accelerator="cpu", workers_per_device=1)
    server.run(port=port, generate_client_file=False)
"""
# SIGTERM ends LitServe's main process, and no other: a supervisor signals the group.


def test_a_request_is_in_its_trace(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = ["python", "app.py", str(port), "1", "API"]
    with serving(command, tmp_path, "/health", port=port) as server:
        for _ in range(3):
            server.post("/predict", {"x": [0.9, 1, 2]})
        server.stop(group=True)
    (span, *_) = spans = server.sink.spans()
    assert {"predict_proba LogisticRegression"} == {span.name for span in spans}
    assert {TRACE} == {span.trace_id.hex() for span in spans}
    assert ("litserve", "sklearn") == (
        told(span)["ml.system.name"],
        told(span)["ml.framework.name"],
    )
    assert 3 == server.sink.total("ml.feature.value", ml_feature_name="x1")


def test_a_batch_links_to_its_requests(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = ["python", "app.py", str(port), "2", "API"]
    with serving(command, tmp_path, "/health", port=port) as server:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: server.post("/predict", {"x": [0.9, 1, 2]}), range(2)))
        server.stop(group=True)
    (span,) = server.sink.spans()
    assert 2 == told(span)["ml.inference.batch.size"]
    assert [TRACE, TRACE] == [link.trace_id.hex() for link in span.links]
    assert b"" == span.parent_span_id


def test_an_api_without_a_known_model(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = ["python", "app.py", str(port), "1", "Bare"]
    with serving(command, tmp_path, "/health", port=port) as server:
        assert {"p": [1.5]} == server.post("/predict", {"x": [1.0, 2, 3]})
        server.stop(group=True)
    assert ["predict Bare"] == [span.name for span in server.sink.spans()]
