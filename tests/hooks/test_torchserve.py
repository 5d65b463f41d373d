"""TorchServe, Java front end included, under the hooks."""

import subprocess
import sys
from pathlib import Path

from tests.hooks.serving import serving
from tests.ports import free_port
from tests.sink import told

HANDLER = """
import json
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x, -1)

class Handler:
    def initialize(self, context):
        self.model = Net().eval()

    def handle(self, data, context):
        rows = [row.get("body") or row.get("data") for row in data]
        with torch.no_grad():
            return self.model(torch.tensor(rows, dtype=torch.float32)).tolist()

_service = Handler()

def handle(data, context):
    if data is None:
        return None
    if not hasattr(_service, "model"):
        _service.initialize(context)
    return _service.handle(data, context)
"""


def archived(root: Path, name: str) -> None:
    (root / "handler.py").write_text(HANDLER)
    (root / "weights.bin").write_bytes(b"none")
    archiver = str(Path(sys.executable).parent / "torch-model-archiver")
    command = f"--model-name {name} --version 1.0 --handler handler.py --extra-files weights.bin"
    (root / "store").mkdir()
    subprocess.run([archiver, *command.split(), "--export-path", "store"], cwd=root, check=True)


def test_requests_of_an_archived_model(tmp_path: Path) -> None:
    archived(tmp_path, "mood")
    ports = [free_port() for _ in range(3)]
    names = ("inference_address", "management_address", "metrics_address")
    lines = [f"{n}=http://127.0.0.1:{p}" for n, p in zip(names, ports, strict=True)]
    lines += ["default_workers_per_model=1", "enable_grpc=false"]
    (tmp_path / "cfg").write_text("\n".join(lines))
    command = "torchserve --foreground --model-store store --models mood=mood.mar --ts-config cfg"
    command += " --ncs --disable-token-auth"
    asked = {"OTELML_TORCH_MODULES": "Net", "TMPDIR": str(tmp_path)}
    with serving(command.split(), tmp_path, "/ping", port=ports[0], **asked) as server:
        server.retried("/predictions/mood", [0.9, 1, 2], {})
        server.post("/predictions/mood", [0.9, 1, 2])
        server.stop(group=True)  # TorchServe itself would kill its worker, unasked
    attributes = told(server.sink.spans()[0])
    assert ("torchserve", "pytorch", "mood", "1.0") == (
        attributes["ml.system.name"],
        attributes["ml.framework.name"],
        attributes["ml.model.name"],
        attributes["ml.model.version"],
    )
    assert 2 == len(server.sink.spans())
    assert 2 == server.sink.total("ml.inference.predictions")
    assert 2 == server.sink.total("ml.feature.value", ml_feature_name="x2")
