"""What a user writes: a configuration that reads like a Collector's, checked as a whole."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from otelml.monitor.concept import DETECTORS
from otelml.monitor.performance.registry import NAMES as MEASURES
from otelml.monitor.registry import NAMES
from otelml.monitor.rules import parse

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STEP: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(text: object) -> float:
    """A duration in seconds.

    >>> seconds("1m30s"), seconds("200ms")
    (90.0, 0.2)
    """
    if isinstance(text, bool):
        raise ValueError(_DURATION.format(text))  # noqa: TRY004 - pydantic collects ValueError
    if isinstance(text, int | float):
        return float(text)
    steps = _STEP.findall(text) if isinstance(text, str) else []
    if not steps or "".join(number + unit for number, unit in steps) != text:
        raise ValueError(_DURATION.format(text))
    return sum(float(number) * _UNITS[unit] for number, unit in steps)


_DURATION: Final = "{!r} is no duration: write 30s, 5m or 1h30m"


def _address(text: str) -> str:
    host, _, port = text.removeprefix("http://").removeprefix("https://").rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address: write host:port")
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        raise ValueError(f"{text!r} is no URL: write http://host:port")
    return text.rstrip("/")


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(seconds), Field(ge=0)]
Address = Annotated[str, AfterValidator(_address)]
Url = Annotated[str, AfterValidator(_url)]
Names = Annotated[list[str], Field(default_factory=list)]
MEBIBYTE: Final = 1 << 20


def _listed(value: object) -> object:
    """One column may stand for itself."""
    return [value] if isinstance(value, str) else value


class Section(BaseModel):
    """A part of the configuration: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _given(value: Any) -> Any:
    """`http:` with nothing after it asks for the defaults, as in a Collector."""
    return {} if value is None else value


class GrpcReceiver(Section):
    """OTLP/gRPC."""

    endpoint: Address = "127.0.0.1:4317"
    max_recv_msg_size_mib: Annotated[int, Field(gt=0, le=1024)] = 64


class HttpReceiver(Section):
    """OTLP/HTTP."""

    endpoint: Address = "127.0.0.1:4318"
    max_request_body_size: Annotated[int, Field(gt=0, le=1 << 30)] = 64 * MEBIBYTE
    read_timeout: Seconds = 30.0


class Protocols(Section):
    """Ways to receive."""

    grpc: Annotated[GrpcReceiver | None, BeforeValidator(_given)] = None
    http: Annotated[HttpReceiver | None, BeforeValidator(_given)] = None

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.grpc is None and self.http is None:
            raise ValueError("receives nothing: give grpc, http or both")
        return self


class Receiver(Section):
    """An OTLP receiver."""

    protocols: Protocols


class Windows(Section):
    """How long a window is, how long it waits for late points, and how many rows it needs."""

    length: Seconds = 300.0
    lateness: NotNegative = 60.0
    min_samples: Annotated[int, Field(gt=0)] = 200
    max_series: Annotated[int, Field(gt=0)] = 20_000


class Baselines(Section):
    """Where baselines come from: a directory of files, or the first windows."""

    directory: str | None = None
    first_windows: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.directory is not None and self.first_windows is not None:
            raise ValueError("give directory or first_windows, not both")
        return self


class Alerts(Section):
    """When an alert opens and when it resolves, in windows."""

    open_after: Annotated[str, Field(pattern=r"^\d+ of \d+$")] = "2 of 3"
    resolve_after: Annotated[int, Field(gt=0)] = 2

    @field_validator("open_after")
    @classmethod
    def _possible(cls, text: str) -> str:
        needed, among = (int(word) for word in text.split(" of "))
        if not 0 < needed <= among:
            raise ValueError(f"{text!r} never happens: write 2 of 3")
        return text

    @property
    def opening(self) -> tuple[int, int]:
        """How many bad windows of how many open an alert."""
        needed, among = (int(word) for word in self.open_after.split(" of "))
        return needed, among


class Limit(Section):
    """Effects from which a check warns and alarms."""

    warn: float | None = None
    alarm: float | None = None


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"unknown check {name!r}: choose among {', '.join(sorted(NAMES))}")
    return name


class Checks(Section):
    """Which checks run, and with which limits."""

    exclude: list[Annotated[str, AfterValidator(_known)]] = Field(default_factory=list)
    limits: dict[Annotated[str, AfterValidator(_known)], Limit] = Field(default_factory=dict)


class Labels(Section):
    """How long predictions and labels wait for each other, and who may post labels.

    `forward_records` passes on the events that predictions and labels come in.
    """

    expire_after: Seconds = 7 * 86_400.0
    max_predictions: Annotated[int, Field(gt=0)] = 1_000_000
    token: str | None = None
    forward_records: bool = False


class Measured(Section):
    """Changes relative to the baseline, and values (`_at`), from which a measure is too bad."""

    warn: float | None = None
    alarm: float | None = None
    warn_at: float | None = None
    alarm_at: float | None = None


def _measure(name: str) -> str:
    if name not in MEASURES:
        raise ValueError(f"unknown measure {name!r}: choose among {', '.join(sorted(MEASURES))}")
    return name


Measure = Annotated[str, AfterValidator(_measure)]


class Performance(Section):
    """Windows of prediction time over which performance is measured, and what it needs.

    A window is judged anew as its labels come, at most once `every` so often.
    """

    window: Seconds = 3600.0
    every: Seconds = 60.0
    min_samples: Annotated[int, Field(gt=0)] = 200
    positive_class: str | None = None
    exclude: list[Measure] = Field(default_factory=list)
    limits: dict[Measure, Measured] = Field(default_factory=dict)


class Segments(Section):
    """Slices whose performance is measured: a column each, or several for their conjunction."""

    columns: list[Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]] = Field(
        default_factory=list
    )
    max_slices: Annotated[int, Field(gt=0, le=1000)] = 50


class Fairness(Section):
    """Columns whose groups are compared, and how large a group must be.

    `tell_groups` lets the names of the groups that differ most leave.
    """

    columns: list[str] = Field(default_factory=list)
    min_group: Annotated[int, Field(gt=0)] = 50
    tell_groups: bool = False


def _detector(name: str) -> str:
    if name not in DETECTORS:
        raise ValueError(f"unknown detector {name!r}: choose among {', '.join(sorted(DETECTORS))}")
    return name


class ConceptDrift(Section):
    """What watches the stream of errors."""

    detectors: list[Annotated[str, AfterValidator(_detector)]] = ["ddm", "page_hinkley", "adwin"]


class Shadow(Section):
    """A challenger, by the name of its model, and the champion that it is compared with."""

    champion: str
    challenger: str


def _rule(given: object) -> object:
    """A rule of `retraining`, checked."""
    if not isinstance(given, dict):
        raise ValueError("a rule is a mapping")  # noqa: TRY004 - pydantic collects ValueError
    parse(given)
    known = {*MEASURES, *NAMES, *DETECTORS}
    for name in given.get("checks", ()):
        if name not in known:
            raise ValueError(f"unknown check {name!r}: choose among {', '.join(sorted(known))}")
    return given


class Hook(Section):
    """Where to post recommendations, and what signs them."""

    url: Url
    secret: Annotated[str, Field(min_length=1)]
    timeout: Seconds = 10.0


class Retraining(Section):
    """Rules that recommend to train a model anew, and who is told."""

    when: list[Annotated[dict[str, Any], BeforeValidator(_rule)]] = Field(default_factory=list)
    webhook: Hook | None = None


class Processor(Section):
    """What is watched for."""

    windows: Windows = Windows()
    baselines: Baselines = Baselines()
    alerts: Alerts = Alerts()
    checks: Checks = Checks()
    labels: Labels = Labels()
    performance: Performance = Performance()
    segments: Segments = Segments()
    fairness: Fairness = Fairness()
    concept_drift: ConceptDrift = ConceptDrift()
    shadows: list[Shadow] = Field(default_factory=list)
    retraining: Retraining = Retraining()
    forward: bool = True
    repeat: Seconds = 60.0


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


_STORES: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_STORE_FORMS: Final = "write sqlite:///file.db or postgresql://user:password@host/database"


class Storage(Section):
    """Where state is kept."""

    url: str = "sqlite:///otelml.db"

    @field_validator("url")
    @classmethod
    def _served(cls, url: str) -> str:
        """The URL with the driver that is meant; mistakes are told without the password."""
        kind, _, rest = url.partition("://")
        try:
            host = make_url(url).host or ""
        except (SQLAlchemyError, ValueError):
            raise ValueError(f"is no URL of a database: {_STORE_FORMS}") from None
        if "@" in host:  # errors of the network would tell it
            raise ValueError(f"has an @ in its password: write %40; {_STORE_FORMS}")
        if kind not in _STORES:
            raise ValueError(f"{kind!r} is not served: {_STORE_FORMS}")
        return f"{_STORES[kind]}://{rest}"


class Health(Section):
    """Where health is asked for."""

    endpoint: Address = "127.0.0.1:13133"


class Extensions(Section):
    """What the service has beside its pipelines."""

    storage: Annotated[Storage, BeforeValidator(_given)] = Storage()
    health: Annotated[Health | None, BeforeValidator(_given)] = None


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


class Service(Section):
    """What runs."""

    pipelines: Pipelines


class Config(Section):
    """The whole."""

    receivers: dict[str, Receiver]
    processors: dict[str, Annotated[Processor, BeforeValidator(_given)]] = Field(
        default_factory=dict
    )
    exporters: dict[str, GrpcExporter | HttpExporter]
    extensions: Annotated[Extensions, BeforeValidator(_given)] = Extensions()
    service: Service
