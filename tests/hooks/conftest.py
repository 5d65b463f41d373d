"""Hooks installed for the tests of this folder, and an SDK whose readers are in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelml.hooks import _patch
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.record.naming import REGISTRY


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
    """The hooks of scikit-learn, in force for one test."""
    reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    _patch._process = None
    REGISTRY._schemas.clear()
    instrumentor = SklearnInstrumentor()
    instrumentor.instrument(meter_provider=meters, tracer_provider=tracers)
    token = context.attach(context.Context())
    yield Telemetry(reader, exporter, tracers.get_tracer("test"))
    context.detach(token)
    instrumentor.uninstrument()
    _patch.process().bridge.detach()
    meters.shutdown()
