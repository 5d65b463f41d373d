"""BentoML's server under the hooks, whose own tracing samples nothing by default."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hooks.serving import TRACE, serving
from tests.ports import free_port
from tests.sink import told

APP = """
import bentoml, numpy as np
from sklearn.linear_model import LogisticRegression

X = np.random.default_rng(0).normal(size=(60, 3))

@bentoml.service(workers=1)
class Iris:
    def __init__(self):
        self.model = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))

    @bentoml.api
    def one(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(x)

    @bentoml.api
    async def awaited(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(x)

    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=20000)
    def many(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(x)
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"BENTOML_HOME": str(tmp_path / "home"), "BENTOML_DO_NOT_TRACK": "True"}


def test_requests_and_batches(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "service.py").write_text(APP)
    port = free_port()
    command = ["bentoml", "serve", "service:Iris", "-p", str(port)]
    with serving(command, tmp_path, "/readyz", port=port, **home) as server:
        body = {"x": [[0.9, 1, 2]]}
        server.post("/one", body, {"x-request-id": "r1"})
        server.post("/awaited", body)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: server.post("/many", body), range(12)))
        server.stop()
    sink = server.sink
    one, awaited, *batches = sink.spans()
    assert {TRACE} == {one.trace_id.hex(), awaited.trace_id.hex()}
    assert ("bentoml", "sklearn", "r1") == (
        told(one)["ml.system.name"],
        told(one)["ml.framework.name"],
        told(one)["ml.inference.id"],
    )
    assert 14 == sink.total("ml.inference.predictions")
    assert 14 == sink.total("ml.feature.value", ml_feature_name="x2")
    for span in batches:
        rows = told(span)["ml.inference.batch.size"]
        assert len(span.links) == (rows if rows > 1 else 0)
        assert rows > 1 or TRACE == span.trace_id.hex()
    assert 12 == sum(told(span)["ml.inference.batch.size"] for span in batches)
