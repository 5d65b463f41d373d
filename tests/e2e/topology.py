"""One topology, up and running: Collector, processor, Prometheus, and an app if it is wanted."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from far_end import FarEnd  # type: ignore[import-not-found]  # beside the demo

from tests.e2e.conftest import BIN, ROOT, Neighbours, until
from tests.ports import free_port


class Topology:
    """A Collector, the processor, a Prometheus and a far end, of the files as shipped.

    `changes` are made to the processor's file; its addresses come by the environment.
    """

    def __init__(self, neighbours: Neighbours, config: str, changes: Mapping[str, str]) -> None:
        names = ("app", "back", "processor", "http", "health", "prometheus", "service")
        self.at = {name: f"127.0.0.1:{free_port()}" for name in names}
        self.far = FarEnd()
        self.far.start()
        self.folder = neighbours.folder
        (self.folder / "baselines").mkdir(exist_ok=True)
        shared = {"OTELML_BACK": self.at["back"], "OTELML_PROCESSOR": self.at["processor"]}
        self.processor = neighbours.start(
            "processor",
            *(BIN / "otelml", "serve", "--config", self._config(changes)),
            **shared,
            OTELML_PROCESSOR_HTTP=self.at["http"],
            OTELML_HEALTH=self.at["health"],
            OTELML_FORWARD=str(config != "side-branch.yaml").lower(),
        )
        neighbours.collector(
            config,
            **shared,
            OTELML_APP=self.at["app"],
            OTELML_BACKEND=f"127.0.0.1:{self.far.port}",
            OTELML_PROMETHEUS=self.at["prometheus"],
        )
        self.ask = neighbours.prometheus(self.at["prometheus"])
        until(lambda: httpx.get(f"http://{self.at['health']}").is_success)

    def _config(self, changes: Mapping[str, str]) -> Path:
        text = (ROOT / "collector-config" / "processor.yaml").read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path = self.folder / "processor.yaml"
        path.write_text(text)
        return path

    def serve(
        self, neighbours: Neighbours, app: str, folder: Path, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start an app as anybody starts one; it is ready when this returns."""
        host, port = self.at["service"].split(":")
        child = neighbours.start(
            "service",
            *(BIN / "opentelemetry-instrument", BIN / "uvicorn", app),
            *("--app-dir", folder, "--host", host, "--port", port, "--log-level", "warning"),
            **{"OTEL_METRIC_EXPORT_INTERVAL": "500"} | self.exporting() | environment,
        )
        until(lambda: httpx.get(f"http://{self.at['service']}/docs").is_success)
        return child

    def exporting(self) -> dict[str, str]:
        """The environment of a process that sends its telemetry to the Collector."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.at['app']}"}

    def asked(self, query: str) -> list[dict[str, Any]]:
        """PromQL's answer, once there is one."""
        return until(lambda: self.ask(query), 30)
