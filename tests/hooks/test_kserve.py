"""KServe's model server under the hooks."""

from pathlib import Path

import grpc
import kserve
import numpy as np
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.hooks.serving import PARENT, TRACE, serving
from tests.ports import free_port
from tests.sink import told

APP = """
import sys
import kserve, numpy as np
from kserve.protocol.rest.multiprocess.server import RESTServerProcess
from sklearn.linear_model import LogisticRegression

X = np.random.default_rng(0).normal(size=(60, 3))
MODEL = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))

class Iris(kserve.Model):
    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        rows = np.asarray(payload["instances"])
        return {"predictions": MODEL.predict_proba(rows)[:, 1].tolist()}

class Tensors(Iris):
    def predict(self, payload, headers=None, response_headers=None):
        rows = payload.inputs[0].as_numpy()
        out = kserve.InferOutput("p", [len(rows)], "FP64")
        out.set_data_from_numpy(MODEL.predict_proba(rows)[:, 1], binary_data=False)
        return kserve.InferResponse(payload.id, self.name, [out])

class Plain(Iris):
    def predict(self, payload, headers=None, response_headers=None):
        return {"predictions": [sum(row) for row in payload["instances"]]}

if __name__ == "__main__":
    # KServe kills a worker that does not answer in 5 s, even while it starts on a busy machine.
    RESTServerProcess.is_alive.__defaults__ = (60,)
    http, workers, grpc = map(int, sys.argv[1:])
    kserve.ModelServer(
        http_port=http, workers=workers, enable_grpc=grpc > 0, grpc_port=grpc
    ).start([Iris("iris"), Plain("plain"), Tensors("tensors")])
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_of_models(tmp_path: Path, workers: int) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = ["python", "app.py", str(port), str(workers), "0"]
    with serving(command, tmp_path, "/v2/health/live", port=port) as server:
        for _ in range(4):
            server.post(
                "/v1/models/iris:predict", {"instances": [[1, 2, 3]]}, {"x-request-id": "r1"}
            )
        server.post("/v1/models/plain:predict", {"instances": [[1, 2.5], [3, 4.5]]})
        server.stop()
        spans = server.sink.spans()
        assert ["predict_proba iris"] * 4 + ["predict plain"] == sorted(
            (span.name for span in spans), key=lambda name: name != "predict_proba iris"
        )
        assert {TRACE} == {span.trace_id.hex() for span in spans}
        first = told(next(span for span in spans if "iris" in span.name))
        assert ("kserve", "sklearn") == (first["ml.system.name"], first["ml.framework.name"])
        assert "r1" == first["ml.inference.id"]
        assert 4 == server.sink.total(
            "ml.feature.value", ml_feature_name="x2", ml_model_name="iris"
        )
        assert 2 == server.sink.total("ml.prediction.value", ml_model_name="plain")
        assert 2 == server.sink.total("ml.inference.predictions", ml_model_name="plain")


def test_requests_over_grpc(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port, grpc_port = free_port(), free_port()
    command = ["python", "app.py", str(port), "1", str(grpc_port)]
    given = kserve.InferInput("x", [2, 3], "FP64")
    given.set_data_from_numpy(np.array([[0.9, 1, 2], [0.1, 1, 2]]), binary_data=False)
    asked = kserve.InferRequest("tensors", [given], request_id="r2").to_grpc()
    with serving(command, tmp_path, "/v2/health/live", port=port) as server:
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            answer = stub.ModelInfer(asked, metadata=[*PARENT.items()], wait_for_ready=True)
        server.stop()
    assert [2] == answer.outputs[0].shape
    (span,) = server.sink.spans()
    assert ("predict_proba tensors", TRACE) == (span.name, span.trace_id.hex())
    assert ("kserve", "r2") == (told(span)["ml.system.name"], told(span)["ml.inference.id"])
    assert 2 == server.sink.total("ml.feature.value", ml_feature_name="x2")
    assert 2 == server.sink.total("ml.inference.predictions", ml_model_name="tensors")
