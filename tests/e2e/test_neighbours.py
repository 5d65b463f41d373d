"""App, Collector, processor, Collector, Prometheus: real ones, with the files as shipped."""

import subprocess
import time

import httpx
import pytest
from sklearn.datasets import load_wine

from tests.e2e.conftest import BIN, DEMO, Neighbours, end, until
from tests.e2e.topology import Topology

WINES = load_wine(as_frame=True).data
SHIFTED = "ash"


class Scene:
    """One topology, up and running."""

    def __init__(self, neighbours: Neighbours, config: str) -> None:
        self.folder = neighbours.folder
        self._build_baseline()
        changes = {"length: 5m, lateness: 1m": "length: 3s, lateness: 1s"}
        self._topology = Topology(neighbours, config, changes)
        self.at, self.far = self._topology.at, self._topology.far
        self.processor, self.asked = self._topology.processor, self._topology.asked
        about = {"OTEL_SERVICE_NAME": "wine-service", "OTELML_MODEL_NAME": "wine"}
        self.app = self._topology.serve(neighbours, "service:app", DEMO, **about)
        self.sent = self.calls = 0

    def _build_baseline(self) -> None:
        (self.folder / "baselines").mkdir()
        data = self.folder / "training.csv"
        WINES.sample(20_000, replace=True, random_state=0).to_csv(data, index=False)
        command = [str(BIN / "otelml"), "baseline", "build", str(data), "--model", "wine"]
        subprocess.run([*command, "-o", self.folder / "baselines" / "wine.json"], check=True)

    def replay(self, seconds: float, *, shifted: bool = False) -> None:
        """Send wines over HTTP for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rows = WINES.sample(100, replace=True)
            if shifted:
                rows = rows.assign(**{SHIFTED: rows[SHIFTED] + 1.5 * WINES[SHIFTED].std()})
            url = f"http://{self.at['service']}/predict"
            answer = httpx.post(url, json=rows.to_dict("records"), timeout=30).raise_for_status()
            self.sent += len(answer.json())
            self.calls += 1
            time.sleep(0.1)


@pytest.mark.parametrize("config", ["inline.yaml", "side-branch.yaml"])
def test_drift_reaches_prometheus(neighbours: Neighbours, config: str) -> None:
    scene = Scene(neighbours, config)
    scene.replay(8)
    scene.replay(12, shifted=True)
    open_alerts = scene.asked('sum by (ml_feature_name) (ml_drift_detected{ml_role="feature"}) > 0')
    assert [SHIFTED] == [found["metric"]["ml_feature_name"] for found in open_alerts]
    query = 'ml_drift_score{ml_drift_method="kolmogorov_smirnov", ml_feature_name="ash"}'
    (score,) = scene.asked(query)
    assert 0.3 < float(score["value"][1]) < 0.8
    assert 13 <= float(scene.asked('count(ml_drift_score{ml_drift_method="psi"})')[0]["value"][1])
    end(scene.app)
    until(lambda: scene.far.predicted >= scene.sent, 20)
    assert scene.sent == scene.far.predicted


def test_a_killed_processor_costs_the_main_branch_nothing(neighbours: Neighbours) -> None:
    scene = Scene(neighbours, "side-branch.yaml")
    scene.replay(3)
    scene.processor.kill()
    scene.replay(8)
    end(scene.app)
    until(lambda: scene.far.predicted >= scene.sent, 20)
    assert scene.sent == scene.far.predicted
    inferences = {key: n for key, n in scene.far.spans.items() if key[0] == "predict wine"}
    assert scene.calls == len(inferences)
    assert {1} == set(inferences.values())
