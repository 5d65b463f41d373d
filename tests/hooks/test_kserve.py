"""KServe's model server under the hooks."""

from pathlib import Path

import pytest

from tests.hooks.serving import free_port, serving
from tests.sink import told

APP = """
import sys
import kserve, numpy as np
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

class Plain(Iris):
    def predict(self, payload, headers=None, response_headers=None):
        return {"predictions": [sum(row) for row in payload["instances"]]}

if __name__ == "__main__":
    kserve.ModelServer(
        http_port=int(sys.argv[1]), workers=int(sys.argv[2]), enable_grpc=False
    ).start([Iris("iris"), Plain("plain")])
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_of_models(tmp_path: Path, workers: int) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = ["python", "app.py", str(port), str(workers)]
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
        first = told(next(span for span in spans if "iris" in span.name))
        assert ("kserve", "sklearn") == (first["ml.system.name"], first["ml.framework.name"])
        assert "r1" == first["ml.inference.id"]
        assert 4 == server.sink.total(
            "ml.feature.value", ml_feature_name="x2", ml_model_name="iris"
        )
        assert 2 == server.sink.total("ml.prediction.value", ml_model_name="plain")
        assert 2 == server.sink.total("ml.inference.predictions", ml_model_name="plain")
