"""What a user writes: a configuration that reads like a Collector's, checked as a whole."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from otelml.processor.config.exporters import GrpcExporter, HttpExporter
from otelml.processor.config.extensions import Extensions
from otelml.processor.config.performance import Performance
from otelml.processor.config.processors import Processor
from otelml.processor.config.receivers import GrpcReceiver, HttpReceiver, Receiver
from otelml.processor.config.value import Section, given

__all__ = [
    "Config",
    "GrpcExporter",
    "GrpcReceiver",
    "HttpExporter",
    "HttpReceiver",
    "Performance",
    "Pipelines",
    "Processor",
]


class Pipeline(Section):
    """The way of one signal."""

    receivers: Annotated[list[str], Field(min_length=1)]
    processors: list[str] = Field(default_factory=list)
    exporters: Annotated[list[str], Field(min_length=1)]


class Pipelines(Section):
    """The way of every signal."""

    metrics: Pipeline | None = None
    logs: Pipeline | None = None
    traces: Pipeline | None = None

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.metrics is None and self.logs is None and self.traces is None:
            raise ValueError("there are none: give metrics, logs or traces")
        return self


class Service(Section):
    """What runs."""

    pipelines: Pipelines


class Config(Section):
    """The whole."""

    receivers: dict[str, Receiver]
    processors: dict[str, Annotated[Processor, BeforeValidator(given)]] = Field(
        default_factory=dict
    )
    exporters: dict[str, GrpcExporter | HttpExporter]
    extensions: Annotated[Extensions, BeforeValidator(given)] = Extensions()
    service: Service
