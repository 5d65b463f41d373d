"""`receivers`: what comes in."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from otelml.processor.config.value import OwnAddress, Seconds, Section, given


class GrpcReceiver(Section):
    """OTLP/gRPC."""

    endpoint: OwnAddress = "127.0.0.1:4317"
    max_recv_msg_size_mib: Annotated[int, Field(gt=0, le=1024)] = 64


class HttpReceiver(Section):
    """OTLP/HTTP."""

    endpoint: OwnAddress = "127.0.0.1:4318"
    max_request_body_size: Annotated[int, Field(gt=0, le=1 << 30)] = 64 << 20
    read_timeout: Seconds = 30.0


class Protocols(Section):
    """Ways to receive."""

    grpc: Annotated[GrpcReceiver | None, BeforeValidator(given)] = None
    http: Annotated[HttpReceiver | None, BeforeValidator(given)] = None

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.grpc is None and self.http is None:
            raise ValueError("receives nothing: give grpc, http or both")
        return self


class Receiver(Section):
    """An OTLP receiver."""

    protocols: Protocols
