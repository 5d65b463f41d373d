"""MLServer under the hooks: the trace reaches its workers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.hooks.serving import TRACE, Server, serving
from tests.ports import free_port
from tests.sink import told

X = np.random.default_rng(0).normal(size=(60, 3))
CUSTOM = """
import mlserver
from mlserver.types import InferenceResponse, ResponseOutput

class Doubled(mlserver.MLModel):
    async def predict(self, payload):
        data = [2.5 * v for v in payload.inputs[0].data.root]
        out = ResponseOutput(name="y", shape=[len(data) // 3, 3], datatype="FP64", data=data)
        return InferenceResponse(model_name=self.name, outputs=[out])
"""


def repository(root: Path, workers: int, **batching: float) -> int:
    """A server's directory with two models; its port."""
    ports = [free_port() for _ in range(3)]
    for name in ("iris", "doubled"):
        (root / name).mkdir()
    joblib.dump(LogisticRegression().fit(X, (X[:, 0] > 0).astype(int)), root / "iris/model.joblib")
    told = {"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel", **batching}
    told["parameters"] = {"uri": "./model.joblib", "version": "v1.2"}
    (root / "iris/model-settings.json").write_text(json.dumps(told))
    (root / "doubled/custom.py").write_text(CUSTOM)
    (root / "doubled/model-settings.json").write_text(
        json.dumps({"name": "doubled", "implementation": "custom.Doubled", **batching})
    )
    settings = dict(zip(("http_port", "grpc_port", "metrics_port"), ports, strict=True))
    (root / "settings.json").write_text(json.dumps(settings | {"parallel_workers": workers}))
    return ports[0]


def ask(server: Server, model: str, *outputs: str) -> None:
    tensor = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [0.9, 1, 2]}
    body = {"id": "r7", "inputs": [tensor], "outputs": [{"name": name} for name in outputs]}
    server.post(f"/v2/models/{model}/infer", body)


@pytest.mark.parametrize("workers", [0, 2])
def test_requests_are_in_their_trace(tmp_path: Path, workers: int) -> None:
    port = repository(tmp_path, workers)
    with serving(["mlserver", "start", "."], tmp_path, "/v2/health/ready", port=port) as server:
        for _ in range(4):
            ask(server, "iris", "predict_proba", "predict")
        ask(server, "doubled")
        server.stop()
    sink = server.sink
    names = sorted(span.name for span in sink.spans() if not span.name.startswith("load"))
    assert ["predict doubled"] + ["predict iris"] * 4 + ["predict_proba iris"] * 4 == names
    (iris, *_) = (span for span in sink.spans() if span.name == "predict iris")
    attributes = told(iris)
    assert ("mlserver", "sklearn", "v1.2", "r7") == (
        attributes["ml.system.name"],
        attributes["ml.framework.name"],
        attributes["ml.model.version"],
        attributes["ml.inference.id"],
    )
    if workers:
        assert TRACE == iris.trace_id.hex()
    assert "load iris" in {span.name for span in sink.spans()}
    assert 4 == sink.total("ml.feature.value", ml_feature_name="x2", ml_model_name="iris")
    assert 4 == sink.total("ml.prediction.classes", ml_model_name="iris")
    assert 3 == sum(
        sink.total("ml.prediction.value", ml_model_name="doubled", ml_output_name=str(i))
        for i in range(3)
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_that_no_library_sees(tmp_path: Path, workers: int) -> None:
    port = repository(tmp_path, workers, max_batch_size=2, max_batch_time=20)
    with serving(["mlserver", "start", "."], tmp_path, "/v2/health/ready", port=port) as server:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: ask(server, "doubled"), range(2)))
        server.stop()
    spans = [span for span in server.sink.spans() if span.name == "predict doubled"]
    rows = [told(span)["ml.inference.batch.size"] for span in spans]
    assert ([2] if workers else [1, 1]) == rows  # in a worker the batch is the request
    for name in ("0", "1", "2"):
        assert 2 == server.sink.total(
            "ml.prediction.value", ml_model_name="doubled", ml_output_name=name
        )
    assert 2 == server.sink.total("ml.inference.predictions", ml_model_name="doubled")


def test_a_batch_links_to_its_requests(tmp_path: Path) -> None:
    port = repository(tmp_path, 1, max_batch_size=2, max_batch_time=20)
    with serving(["mlserver", "start", "."], tmp_path, "/v2/health/ready", port=port) as server:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: ask(server, "iris", "predict"), range(2)))
        server.stop()
    (span,) = (span for span in server.sink.spans() if span.name == "predict iris")
    assert 2 == told(span)["ml.inference.batch.size"]
    assert [TRACE, TRACE] == [link.trace_id.hex() for link in span.links]
