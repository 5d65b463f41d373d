"""Every example of a framework runs as it says, under the real command, and is recorded."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.conftest import ROOT
from tests.hooks.serving import serving
from tests.ports import free_port
from tests.sink import http_sink

EXAMPLES = ROOT / "examples" / "frameworks"
BIN = Path(sys.executable).parent
ROW = [[5.1, 3.5, 1.4, 0.2]]
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
AFTER_FORK = {"OTEL_METRIC_EXPORT_INTERVAL": "5000"}
"""gunicorn forks in its first seconds. If the SDK's reader collects just then, the child inherits
the locked lock of its `SynchronousMeasurementConsumer`, and never exports. That is the SDK's own:
1.42, with all hooks off, a counter of the app's and an interval of 3 ms, in six runs of six."""

SCRIPTS = {  # example -> module that it needs most
    "sklearn_script": "pandas",
    "manual_script": "otelml",
    "xgboost_script": "xgboost",
    "lightgbm_script": "lightgbm",
    "catboost_script": "catboost",
    "onnxruntime_script": "onnxruntime",
    "statsmodels_script": "statsmodels",
    "transformers_script": "transformers",
    "torch_script": "torch",
    "keras_script": "keras",
    "tensorflow_script": "tensorflow",
    "pycaret_script": "pycaret",
    "mlflow_script": "mlflow",
    "sagemaker_script": "sagemaker_inference",
}
V2 = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW[0]}]}
SERVERS: dict[str, tuple[str, list[str], str, str, Any]] = {
    "fastapi_server": (
        "fastapi",
        ["uvicorn", "fastapi_server:app", "--port", "{}"],
        "/",
        "/predict",
        ROW,
    ),
    "flask_server": (
        "gunicorn",
        ["gunicorn", "flask_server:app", "-b", "127.0.0.1:{}"],
        "/",
        "/predict",
        ROW,
    ),
    "bentoml_server": (
        "bentoml",
        ["bentoml", "serve", "bentoml_server:Iris", "-p", "{}"],
        "/readyz",
        "/predict",
        {"rows": ROW},
    ),
    "kserve_server": (
        "kserve",
        ["python", "kserve_server.py", "--http_port", "{}"],
        "/v2/health/live",
        "/v1/models/iris:predict",
        {"instances": ROW},
    ),
    "litserve_server": (
        "litserve",
        ["python", "litserve_server.py", "{}"],
        "/health",
        "/predict",
        {"rows": ROW},
    ),
    "mlserver_server": (
        "mlserver",
        ["python", "mlserver_server.py", "{}"],
        "/v2/health/ready",
        "/v2/models/iris/infer",
        V2,
    ),
    "ray_serve_server": (
        "ray",
        ["python", "ray_serve_server.py", "{}"],
        "/-/healthz",
        "/predict",
        ROW,
    ),
}


def here(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def test_every_example_is_run() -> None:
    written = {path.stem for path in EXAMPLES.glob("*.py")}
    assert written == {*SCRIPTS, *SERVERS, "tritonclient_script"}


@pytest.mark.parametrize("name", [name for name, module in SCRIPTS.items() if here(module)])
def test_a_script(name: str, tmp_path: Path) -> None:
    with http_sink() as sink:
        done = subprocess.run(
            [BIN / "opentelemetry-instrument", sys.executable, EXAMPLES / f"{name}.py"],
            cwd=tmp_path,  # some frameworks leave files behind
            env=os.environ
            | {
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTELML_TORCH_MODULES": "Scorer",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert 0 == done.returncode, done.stderr[-3000:]
    assert any(not span.name.startswith("load") for span in sink.spans()), done.stderr[-3000:]
    assert sink.points("ml.inference.predictions")
    assert sink.points("ml.feature.value")


SERVED = [name for name, case in SERVERS.items() if here(case[0])]


if SERVED:  # an empty parametrisation would be a skipped test

    @pytest.mark.parametrize("name", SERVED)
    def test_a_server(name: str, tmp_path: Path) -> None:
        _, command, ready, path, body = SERVERS[name]
        port = free_port()
        for source in EXAMPLES.glob(f"{name}.py"):
            (tmp_path / source.name).write_bytes(source.read_bytes())
        words = [word.format(port) for word in command]
        soon = SOON | (AFTER_FORK if name == "flask_server" else {})
        with serving(words, tmp_path, ready, port=port, **soon) as server:
            server.retried(path, body, {})
            if name == "mlserver_server" and here("tritonclient"):
                client = [
                    sys.executable,
                    str(EXAMPLES / "tritonclient_script.py"),
                    f"127.0.0.1:{port}",
                ]
                subprocess.run(client, check=True, capture_output=True)
            server.wait_for(lambda: bool(server.sink.spans()))
            server.wait_for(lambda: server.sink.total("ml.inference.predictions") >= 1)
            server.stop(group=name == "litserve_server")  # whose workers outlive its main process
        assert any(span.name.startswith("predict") for span in server.sink.spans())
        assert server.sink.total("ml.feature.value") >= 4
