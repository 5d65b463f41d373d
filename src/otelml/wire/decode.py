"""OTLP protobuf metrics as points of streams; what cannot be one is counted by reason.

Only metrics of ours are looked at. Who a stream is (resource, scope, metric, attributes) is worked
out once a stream and remembered by its bytes, because that is most of the cost of a point.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from otelml import names
from otelml.data import Role
from otelml.sketch.parts import Part
from otelml.wire import shallow
from otelml.wire.points import Location, locate
from otelml.wire.text import parsed
from otelml.wire.values import EXPONENTIAL, READERS, BadPointError, Value, check_time
from otelml.wire.varints import TOO_LARGE

_UNSPECIFIED: Final = pb.AGGREGATION_TEMPORALITY_UNSPECIFIED
_CUMULATIVE: Final = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
_HISTOGRAMS: Final = frozenset({Part.BODY, Part.TAIL})
_REMEMBERED: Final = 200_000
_LOCATIONS: Final = 20_000
_ATTRIBUTES: Final = 10_000
_LONGEST: Final = 1 << 16
"""Bytes of what tells a stream apart: they are remembered."""


class Service(NamedTuple):
    """Whose models they are: the part of a resource that outlives a process."""

    name: str = ""
    namespace: str = ""
    environment: str = ""


class Stream(NamedTuple):
    """Who a stream is."""

    id: bytes
    service: Service
    location: Location


class StreamPoint(NamedTuple):
    """One data point of a stream of ours, as it was sent."""

    stream: Stream
    cumulative: bool
    monotonic: bool
    start: int
    end: int
    value: Value


Request = ExportMetricsServiceRequest | pb.MetricsData


def points(request: bytes | Request, bad: Counter[str] | None = None) -> Iterator[StreamPoint]:
    """The points of ours in a request, in its order; reasons for the others go into `bad`."""
    return iter(Decoder().points(request, Counter() if bad is None else bad))


class _Sent(NamedTuple):
    """A metric of ours, and whose it is."""

    metric: Any
    kind: str
    owner: bytes
    service: Service


class Decoder:
    """Decodes requests, and remembers the streams that it has seen."""

    def __init__(self) -> None:
        self._streams: dict[tuple[bytes, str, tuple[bytes, ...]], Stream | None] = {}

    def points(self, request: bytes | Request, bad: Counter[str]) -> list[StreamPoint]:
        """The points of ours in a request.

        Raises:
            google.protobuf.message.DecodeError: the bytes are no metrics request.

        """
        whole = request if isinstance(request, bytes) else request.SerializeToString()
        sent, sides = _sent(whole)
        if None in sides:  # bad ones, or not packed as one field: protobuf does that
            sent, sides = _sent(parsed(pb.MetricsData, whole).SerializeToString())
        found: list[StreamPoint] = []
        of_histograms = iter(sides)
        for metric in sent:
            self._read(metric, of_histograms, found, bad)
        return found

    def _read(
        self,
        sent: _Sent,
        sides: Iterator[shallow.Sides | None],
        found: list[StreamPoint],
        bad: Counter[str],
    ) -> None:
        """Read the points of a metric; those of histograms take their sides from `sides`."""
        metric, kind, owner, service = sent
        data, name = getattr(metric, kind), metric.name
        read = READERS[kind]
        temporality = data.aggregation_temporality
        cumulative = temporality == _CUMULATIVE
        monotonic = kind != "sum" or data.is_monotonic
        counts = kind == "sum" and name not in _SUMS
        least = 0 if monotonic else -TOO_LARGE
        streams = self._streams
        of_each = sides if kind == EXPONENTIAL else repeat(None)
        for point, both in zip(data.data_points, of_each, strict=False):
            key = owner, name, tuple(point.attributes)
            try:
                try:
                    stream = streams[key]
                except KeyError:
                    stream = self._remember(key, service, kind)
                if stream is None:
                    continue
                if temporality == _UNSPECIFIED:
                    raise BadPointError("temporality")  # noqa: TRY301 - counted below, like the rest
                start, end = point.start_time_unix_nano, point.time_unix_nano
                check_time(start, end, point.flags)
                value = read(point, both, stream.location.origin)
                if counts and isinstance(value, int | float) and value < least:
                    raise BadPointError("negative")  # noqa: TRY301
                if counts and isinstance(value, int) and value >= TOO_LARGE:
                    raise BadPointError("too_large")  # noqa: TRY301
            except BadPointError as reason:
                bad[str(reason)] += 1
                continue
            found.append(StreamPoint(stream, cumulative, monotonic, start, end, value))

    def _remember(
        self, key: tuple[bytes, str, tuple[bytes, ...]], service: Service, kind: str
    ) -> Stream | None:
        if len(self._streams) >= _REMEMBERED:
            self._streams.clear()
        owner, name, attributes = key
        if len(owner) + sum(map(len, attributes)) > _LONGEST:
            raise BadPointError("attributes")
        try:
            location, canonical = _located(name, attributes)
        except ValueError as error:
            raise BadPointError("pivot") from error
        stream = None
        if location is not None and _fits(kind, location):
            whole = b"%b\0%b\0%b" % (owner, name.encode(), canonical)
            digest = hashlib.blake2b(whole, digest_size=16).digest()
            stream = Stream(digest, service, location)
        self._streams[key] = stream
        return stream


_FOLDED: Final = frozenset(
    row.name
    for row in names.METRICS.values()
    if row.half is names.Half.APP and row.name not in (names.INFERENCE_ACTIVE, names.ITEM_DROPPED)
)
_SUMS: Final = frozenset(
    {
        names.FEATURE_SUM,
        names.FEATURE_SUM_OF_SQUARES,
        names.PREDICTION_SUM,
        names.PREDICTION_SUM_OF_SQUARES,
    }
)
"""What need not be a count, but may be any number."""


def _sent(body: bytes) -> tuple[list[_Sent], list[shallow.Sides | None]]:
    """The metrics of a request that are folded, and the sides of their histograms' points."""
    sent = list(_ours(parsed(shallow.MetricsData, body)))
    histograms = [one.metric.exponential_histogram for one in sent if one.kind == EXPONENTIAL]
    return sent, shallow.sides([point for each in histograms for point in each.data_points])


def _ours(request: Any) -> Iterator[_Sent]:
    """The metrics of a request that are folded."""
    for resource in request.resource_metrics:
        owner: tuple[bytes, Service] | None = None
        for scope in resource.scope_metrics:
            folded = [m for m in scope.metrics if m.name in _FOLDED]
            if not folded:
                continue
            if owner is None:
                attributes = resource.resource.attributes
                owner = _canonical(attributes), service_of(attributes)
            identity = b"%b\0%b\0%b" % (
                owner[0],
                scope.scope.name.encode(),
                _canonical(scope.scope.attributes),
            )
            for metric in folded:
                kind = metric.WhichOneof("data")
                if kind in READERS:
                    yield _Sent(metric, kind, identity, owner[1])


def _fits(kind: str, location: Location) -> bool:
    """Whether the part travels in this kind of metric; a Prometheus bridge changes kinds."""
    if location.key.role is Role.ACTIVE:
        return False
    if location.part in _HISTOGRAMS:
        return kind == EXPONENTIAL
    return kind == ("histogram" if location.part is Part.SHARES else "sum")


@lru_cache(_LOCATIONS)
def _located(metric: str, serialised: tuple[bytes, ...]) -> tuple[Location | None, bytes]:
    """What a point with these attributes tells of, and their canonical bytes.

    The instances of a service share it, and equal keys that are one are found at once.
    """
    attributes = [_attribute(one) for one in serialised]
    location = locate(metric, {key: plain for key, plain, _ in attributes})
    return location, b"".join(sorted(canonical for _, _, canonical in attributes))


@lru_cache(_ATTRIBUTES)
def _attribute(serialised: bytes) -> tuple[str, str | float | int | bool, bytes]:
    """Name, value and canonical bytes of an attribute; streams have most of theirs in common."""
    attribute = parsed(KeyValue, serialised)
    return attribute.key, _plain(attribute), attribute.SerializeToString()


def _plain(attribute: KeyValue) -> str | float | int | bool:
    value = attribute.value
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value", "double_value"):
        plain: str | float | int | bool = getattr(value, kind)
        return plain
    return "" if kind is None else value.SerializeToString().hex()


def _canonical(attributes: Iterable[KeyValue]) -> bytes:
    return b"".join(sorted(a.SerializeToString() for a in attributes))


def service_of(attributes: Iterable[KeyValue]) -> Service:
    """Whose telemetry it is that has this resource."""
    given = {a.key: a.value.string_value for a in attributes}
    environment = given.get("deployment.environment.name") or given.get("deployment.environment")
    return Service(
        given.get("service.name", ""), given.get("service.namespace", ""), environment or ""
    )
