"""App, Collector, processor, Collector, Prometheus: real ones, with the files as shipped."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from far_end import FarEnd  # type: ignore[import-not-found]  # beside the demo
from sklearn.datasets import load_wine

from tests.e2e.conftest import BIN, DEMO, ROOT, Neighbours, end, free_port, until

import httpx  # isort: skip

WINES = load_wine(as_frame=True).data
SHIFTED = "ash"


class Scene:
    """One topology, up and running."""

    def __init__(self, neighbours: Neighbours, config: str, *, forward: bool) -> None:
        names = ("app", "back", "processor", "http", "health", "prometheus", "service")
        self.at = {name: f"127.0.0.1:{free_port()}" for name in names}
        self.far = FarEnd()
        self.far.start()
        self.folder = neighbours.folder
        self._build_baseline()
        self.processor = neighbours.start(
            "processor",
            BIN / "otelml",
            "serve",
            "--config",
            self._processor_config(forward=forward),
        )
        neighbours.collector(
            config,
            OTELML_APP=self.at["app"],
            OTELML_BACK=self.at["back"],
            OTELML_PROCESSOR=self.at["processor"],
            OTELML_BACKEND=f"127.0.0.1:{self.far.port}",
            OTELML_PROMETHEUS=self.at["prometheus"],
        )
        self.ask = neighbours.prometheus(self.at["prometheus"])
        until(lambda: httpx.get(f"http://{self.at['health']}").is_success)
        host, port = self.at["service"].split(":")
        self.app = neighbours.start(
            "service",
            *(BIN / "opentelemetry-instrument", BIN / "uvicorn", "service:app"),
            *("--app-dir", DEMO, "--host", host, "--port", port, "--log-level", "warning"),
            OTEL_SERVICE_NAME="wine-service",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{self.at['app']}",
            OTEL_METRIC_EXPORT_INTERVAL="500",
            OTELML_MODEL_NAME="wine",
        )
        until(lambda: httpx.get(f"http://{self.at['service']}/docs").is_success)
        self.sent = self.calls = 0

    def _build_baseline(self) -> None:
        (self.folder / "baselines").mkdir()
        data = self.folder / "training.csv"
        WINES.sample(20_000, replace=True, random_state=0).to_csv(data, index=False)
        command = [str(BIN / "otelml"), "baseline", "build", str(data), "--model", "wine"]
        subprocess.run([*command, "-o", self.folder / "baselines" / "wine.json"], check=True)

    def _processor_config(self, *, forward: bool) -> Path:
        """The shipped file, with this test's addresses and short windows."""
        text = (ROOT / "collector-config" / "processor.yaml").read_text()
        for old, new in {
            "127.0.0.1:4317": self.at["processor"],
            "127.0.0.1:4318": self.at["http"],
            "127.0.0.1:14317": self.at["back"],
            "127.0.0.1:13133": self.at["health"],
            "length: 5m, lateness: 1m": "length: 3s, lateness: 1s",
            "forward: true": f"forward: {str(forward).lower()}",
        }.items():
            assert old in text
            text = text.replace(old, new)
        path = self.folder / "processor.yaml"
        path.write_text(text)
        return path

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

    def asked(self, query: str) -> list[dict[str, Any]]:
        """PromQL's answer, once there is one."""
        return until(lambda: self.ask(query), 30)


@pytest.mark.parametrize(
    ("config", "forward"), [("inline.yaml", True), ("side-branch.yaml", False)]
)
def test_drift_reaches_prometheus(neighbours: Neighbours, config: str, *, forward: bool) -> None:
    scene = Scene(neighbours, config, forward=forward)
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
    scene = Scene(neighbours, "side-branch.yaml", forward=False)
    scene.replay(3)
    scene.processor.kill()
    scene.replay(8)
    end(scene.app)
    until(lambda: scene.far.predicted >= scene.sent, 20)
    assert scene.sent == scene.far.predicted
    inferences = {key: n for key, n in scene.far.spans.items() if key[0] == "predict wine"}
    assert scene.calls == len(inferences)
    assert {1} == set(inferences.values())
