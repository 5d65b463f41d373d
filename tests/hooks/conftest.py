"""Hooks installed for the tests of this folder, and an SDK whose readers are in memory."""

import importlib
import importlib.util
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelml.hooks import _patch
from otelml.hooks._shadow import SHADOWS
from otelml.recording.naming import REGISTRY

FRAMEWORKS = {
    "test_xgboost.py": "xgboost",
    "test_lightgbm.py": "lightgbm",
    "test_catboost.py": "catboost",
    "test_onnxruntime.py": "onnxruntime",
    "test_statsmodels.py": "statsmodels",
    "test_transformers.py": "transformers",
    "test_torch.py": "torch",
    "test_keras.py": "keras",
    "test_tensorflow.py": "tensorflow",
    "test_pycaret.py": "pycaret",
    "test_mlflow.py": "mlflow",
    "test_litserve.py": "litserve",
    "test_mlserver.py": "mlserver",
    "test_tritonclient.py": "tritonclient",
    "test_kserve.py": "kserve",
    "test_bentoml.py": "bentoml",
    "test_ray_serve.py": "ray",
    "test_torchserve.py": "ts",
    "test_sagemaker.py": "sagemaker_inference",
}
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HOOKS = [
    getattr(importlib.import_module(module), name)
    for module, _, name in (
        entry.partition(":")
        for entry in PROJECT["entry-points"]["opentelemetry_instrumentor"].values()
    )
]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Tests of a framework belong to the environments that have it: see `make frameworks`."""
    framework = FRAMEWORKS.get(collection_path.name)
    if framework is None or os.environ.get("OTELML_FRAMEWORKS"):
        return None
    return importlib.util.find_spec(framework) is None or None


@dataclass
class Telemetry:
    """What the hooks emitted."""

    reader: InMemoryMetricReader
    exporter: InMemorySpanExporter
    tracer: Any

    def spans(self) -> list[ReadableSpan]:
        """Finished spans, ours only."""
        found = self.exporter.get_finished_spans()
        return [s for s in found if (s.instrumentation_scope or s).name == "otelml"]

    def points(self, metric: str) -> list[Any]:
        """Points of one metric."""
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
        ]

    def value(self, metric: str, **attributes: str) -> Any:
        """Sum of the points of a metric that carry these attributes (`_` for a dot)."""
        found = [
            point
            for point in self.points(metric)
            if all(_told(point.attributes, k) == v for k, v in attributes.items())
        ]
        return sum(getattr(p, "value", getattr(p, "count", 0)) for p in found)


def _told(attributes: Any, name: str) -> Any:
    return next((v for k, v in attributes.items() if k.replace(".", "_") == name), None)


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """All hooks, in force for one test."""
    reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    _patch._process = None
    REGISTRY._schemas.clear()
    SHADOWS.used = False  # else every later test would take the way of an app with challengers, and
    SHADOWS.forget()  # meet champions of earlier ones: pytest-randomly seeds trace ids, once a test
    for hook in HOOKS:
        hook().instrument(meter_provider=meters, tracer_provider=tracers)
    token = context.attach(context.Context())
    yield Telemetry(reader, exporter, tracers.get_tracer("test"))
    context.detach(token)
    _patch._failed.clear()
    for hook in HOOKS:
        hook().uninstrument()
    _patch.process().bridge.detach()
    meters.shutdown()
