"""OTLP protobuf metrics as points of streams; what cannot be one is counted by reason.

Only metrics of ours are looked at. Who a stream is (resource, scope, metric, attributes) is worked
out once a stream and remembered by its bytes, because that is most of the cost of a point.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.proto.resource.v1 import resource_pb2

from otelml import names
from otelml.data import Role
from otelml.sketch.parts import Part
from otelml.wire.points import Location, locate
from otelml.wire.values import READERS, BadPointError, Value, check_time

_UNSPECIFIED: Final = pb.AGGREGATION_TEMPORALITY_UNSPECIFIED
_CUMULATIVE: Final = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
_HISTOGRAMS: Final = frozenset({Part.BODY, Part.TAIL})
_REMEMBERED: Final = 200_000
_ATTRIBUTES: Final = 10_000


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


def _shallow() -> Any:
    """The request's class, with the attributes of points left as bytes.

    They only tell streams apart, and as bytes they do so at a fraction of the cost.
    """
    pool = DescriptorPool()
    for descriptor in (common_pb2.DESCRIPTOR, resource_pb2.DESCRIPTOR, pb.DESCRIPTOR):
        file = FileDescriptorProto()
        descriptor.CopyToProto(file)
        for message in file.message_type:
            for field in message.field:
                if message.name.endswith("DataPoint") and field.name == "attributes":
                    field.type = FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        pool.Add(file)
    name = "opentelemetry.proto.metrics.v1.MetricsData"
    return GetMessageClass(pool.FindMessageTypeByName(name))


_Shallow: Final = _shallow()


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
        found: list[StreamPoint] = []
        for resource in _Shallow.FromString(whole).resource_metrics:
            owner: tuple[bytes, Service] | None = None
            for scope in resource.scope_metrics:
                of_ours = [m for m in scope.metrics if m.name.startswith(names.PREFIX)]
                if not of_ours:
                    continue
                if owner is None:
                    attributes = resource.resource.attributes
                    owner = _canonical(attributes), service_of(attributes)
                identity = b"%b\0%b\0%b" % (
                    owner[0],
                    scope.scope.name.encode(),
                    _canonical(scope.scope.attributes),
                )
                for metric in of_ours:
                    self._metric(metric, identity, owner[1], found, bad)
        return found

    def _metric(
        self,
        metric: Any,
        owner: bytes,
        service: Service,
        found: list[StreamPoint],
        bad: Counter[str],
    ) -> None:
        kind, name = metric.WhichOneof("data"), metric.name
        read = READERS.get(kind)
        if read is None or name not in _FOLDED:
            return
        data = getattr(metric, kind)
        temporality = data.aggregation_temporality
        cumulative = temporality == _CUMULATIVE
        monotonic = kind != "sum" or data.is_monotonic
        streams = self._streams
        for point in data.data_points:
            key = owner, name, tuple(point.attributes)
            try:
                stream = streams[key]
            except KeyError:
                stream = self._remember(key, service, kind)
            if stream is None:
                continue
            try:
                if temporality == _UNSPECIFIED:
                    raise BadPointError("temporality")  # noqa: TRY301 - counted below, like the rest
                start, end = point.start_time_unix_nano, point.time_unix_nano
                check_time(start, end, point.flags)
                value = read(point, stream.location.origin)
            except BadPointError as reason:
                bad[str(reason)] += 1
                continue
            found.append(StreamPoint(stream, cumulative, monotonic, start, end, value))

    def _remember(
        self, key: tuple[bytes, str, tuple[bytes, ...]], service: Service, kind: str
    ) -> Stream | None:
        if len(self._streams) >= _REMEMBERED:
            self._streams.clear()
        owner, name, serialised = key
        attributes = [_attribute(one) for one in serialised]
        location = locate(name, {key: plain for key, plain, _ in attributes})
        stream = None
        if location is not None and _fits(kind, location):
            digest = hashlib.blake2b(
                b"%b\0%b\0%b" % (owner, name.encode(), b"".join(sorted(a[2] for a in attributes))),
                digest_size=16,
            )
            stream = Stream(digest.digest(), service, location)
        self._streams[key] = stream
        return stream


_FOLDED: Final = frozenset(
    row.name
    for row in names.METRICS.values()
    if row.half is names.Half.APP and row.name not in (names.INFERENCE_ACTIVE, names.ITEM_DROPPED)
)


def _fits(kind: str, location: Location) -> bool:
    """Whether the part travels in this kind of metric; a Prometheus bridge changes kinds."""
    if location.key.role is Role.ACTIVE:
        return False
    if location.part in _HISTOGRAMS:
        return kind == "exponential_histogram"
    return kind == ("histogram" if location.part is Part.SHARES else "sum")


@lru_cache(_ATTRIBUTES)
def _attribute(serialised: bytes) -> tuple[str, str | float | int | bool, bytes]:
    """Name, value and canonical bytes of an attribute; streams have most of theirs in common."""
    attribute = KeyValue.FromString(serialised)
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
