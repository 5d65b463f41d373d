"""`exporters`: what goes out."""

from typing import Annotated, Literal

from pydantic import Field

from otelml.processor.config.value import Address, Seconds, Section, Url


class Tls(Section):
    """Whether, and whom, to trust."""

    insecure: bool = False
    ca_file: str | None = None


class Exporter(Section):
    """What both ways to send have."""

    headers: dict[str, str] = Field(default_factory=dict)
    compression: Literal["gzip", "none"] = "gzip"
    timeout: Seconds = 10.0
    queue_size: Annotated[int, Field(gt=0)] = 10_000


class GrpcExporter(Exporter):
    """OTLP/gRPC."""

    endpoint: Address
    tls: Tls = Tls()


class HttpExporter(Exporter):
    """OTLP/HTTP."""

    endpoint: Url
