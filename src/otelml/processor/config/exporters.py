"""`exporters`: what goes out."""

import math
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from otelml.processor.config.value import Address, NotNegative, Seconds, Section, Url


class Tls(Section):
    """Whether, and whom, to trust."""

    insecure: bool = False
    ca_file: str | None = None


def _header(name: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or name.lower().endswith("-bin"):
        raise ValueError(f"{name!r} is no name of a header that holds text")
    return name


def _content(text: str) -> str:
    if not re.fullmatch(r"[ -~]*", text):  # it may be a secret, and is not told
        raise ValueError("is no content of a header: it has a line break, or is not ASCII")
    return text


Headers: TypeAlias = dict[
    Annotated[str, AfterValidator(_header)], Annotated[str, AfterValidator(_content)]
]


class Exporter(Section):
    """What both ways to send have."""

    headers: Headers = Field(default_factory=dict)
    compression: Literal["gzip", "none"] = "gzip"
    timeout: Seconds = 10.0
    queue_size: Annotated[int, Field(gt=0)] = 10_000
    max_elapsed_time: NotNegative = 86400.0

    @property
    def patience(self) -> float:
        """Seconds for which what is refused is sent again; 0 stands for ever, as in a Collector."""
        return self.max_elapsed_time or math.inf


class GrpcExporter(Exporter):
    """OTLP/gRPC."""

    endpoint: Address
    tls: Tls = Tls()


class HttpExporter(Exporter):
    """OTLP/HTTP."""

    endpoint: Url
