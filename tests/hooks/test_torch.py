"""PyTorch's modules under the hooks, which are to be asked for."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.hooks.conftest import Telemetry

BATCH = torch.randn(5, 3)


class Scorer(nn.Module):  # type: ignore[misc]
    """A network of the app's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x).softmax(-1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTELML_TORCH_MODULES", "Scorer")


def test_nothing_is_recorded_unasked(telemetry: Telemetry) -> None:
    Scorer().eval()(BATCH)
    assert [] == telemetry.spans()


def test_a_module_that_is_asked_for(asked: None, telemetry: Telemetry) -> None:
    model = Scorer().eval()
    probabilities = model(BATCH)
    (span,) = telemetry.spans()
    assert ("predict Scorer", 5) == (span.name, (span.attributes or {})["ml.inference.batch.size"])
    assert 5 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    (confidence,) = telemetry.points("ml.prediction.confidence")
    expected = probabilities.detach().max(dim=1).values.sum().item()
    assert expected == pytest.approx(confidence.sum, rel=1e-5)


def test_training_is_no_inference(asked: None, telemetry: Telemetry) -> None:
    Scorer().train()(BATCH).sum().backward()
    assert [] == telemetry.spans()


def test_compiling_and_tracing_see_the_bare_module(asked: None, telemetry: Telemetry) -> None:
    model = Scorer().eval()
    torch.compile(model, backend="eager", fullgraph=True)(BATCH)
    torch.jit.trace(model, BATCH)(BATCH)
    torch.export.export(model, (BATCH,)).module()(BATCH)
    torch.jit.script(model)(BATCH)
    assert all("predict Scorer" == span.name for span in telemetry.spans())


def test_an_image_is_summed_up(asked: None, telemetry: Telemetry) -> None:
    class Scorer(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.mean((1, 2))

    Scorer().eval()(torch.randn(4, 16, 16))
    names = {p.attributes["ml.feature.name"] for p in telemetry.points("ml.feature.value")}
    assert {"mean", "std", "norm"} == names


def test_gradients_and_results_are_as_they_were(asked: None, telemetry: Telemetry) -> None:
    model, batch = Scorer().eval(), BATCH.clone().requires_grad_()
    model(batch)[:, 0].sum().backward()
    assert batch.grad is not None
    assert 5 == telemetry.value("ml.feature.value", ml_feature_name="x0")


def test_a_loaded_module_is_named_after_its_file(
    asked: None, telemetry: Telemetry, tmp_path: Path
) -> None:
    torch.save(Scorer().eval(), tmp_path / "churn.pt")
    torch.serialization.load(tmp_path / "churn.pt", weights_only=False)(BATCH)
    assert ["load churn", "predict churn"] == [s.name for s in telemetry.spans()]
