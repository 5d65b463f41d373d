"""Metrics requests, read only as deep as they are needed.

The attributes of points stay bytes: they only tell streams apart, and as bytes they do so at a
fraction of the cost. The counts of buckets stay packed, and those of many points are unpacked at
once.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.proto.resource.v1 import resource_pb2

from otelml.sketch.buckets import Buckets
from otelml.wire.varints import TOO_LARGE, varints

Sides: TypeAlias = tuple[Buckets, Buckets]
"""Positive buckets, and negative ones."""

NOTHING: Final = Buckets(0, np.zeros(0, np.int64))
_MOST: Final = 16_384
"""Buckets that a side may have."""

_LONGEST: Final = 8 * _MOST
"""Bytes of their counts."""

_TOO_LONG: Final = bytes([*[0xFF] * 7, 0x7F])
"""Instead of longer ones: a count that cannot be."""

_BLOCK: Final = 1 << 15
"""Bytes of counts that are unpacked at once: some hundred points, and little memory."""


def _shallow() -> Any:
    pool = DescriptorPool()
    for descriptor in (common_pb2.DESCRIPTOR, resource_pb2.DESCRIPTOR, pb.DESCRIPTOR):
        file = FileDescriptorProto()
        descriptor.CopyToProto(file)
        for message in file.message_type:
            if message.name.endswith("DataPoint"):
                _as_bytes(message, "attributes")
            for nested in message.nested_type:
                _as_bytes(nested, "bucket_counts")
        pool.Add(file)
    name = "opentelemetry.proto.metrics.v1.MetricsData"
    return GetMessageClass(pool.FindMessageTypeByName(name))


def _as_bytes(message: Any, name: str) -> None:
    for field in message.field:
        if field.name == name:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
            if message.name == "Buckets":
                field.label = FieldDescriptorProto.LABEL_OPTIONAL


MetricsData: Final = _shallow()
"""The class of a request; `attributes` is a list of bytes, `bucket_counts` of sides are bytes."""


def sides(points: Sequence[Any]) -> list[Sides | None]:
    """Both sides of each of these exponential points; None if its counts do not add up.

    Nor do they where a side has them in several fields, as protobuf allows.

    Raises:
        google.protobuf.message.DecodeError: its counts are no numbers.

    """
    sent = [side for point in points for side in (point.positive, point.negative)]
    packed = [c if len(c := side.bucket_counts) <= _LONGEST else _TOO_LONG for side in sent]
    sizes = np.array([*map(len, packed)], np.int64).reshape(-1, 2).sum(axis=1)
    starts = np.flatnonzero(np.diff(sizes.cumsum() // _BLOCK, prepend=-1)).tolist()
    found: list[Sides | None] = []
    for begin, end in pairwise([*starts, len(points)]):
        both = slice(2 * begin, 2 * end)
        found += _unpacked(points[begin:end], sent[both], packed[both])
    return found


def _unpacked(
    points: Sequence[Any], sent: Sequence[Any], packed: Sequence[bytes]
) -> list[Sides | None]:
    counts, bounds = varints(packed)
    whole = np.array([point.count for point in points], np.float64)
    zeros = np.array([point.zero_count for point in points], np.float64)
    sums = np.zeros(len(sent))
    tight = np.zeros(len(sent), np.bool_)
    some = np.flatnonzero(np.diff(bounds))
    if some.size:  # as doubles they are exact below 2⁵³, and do not wrap around beyond
        sums[some] = np.add.reduceat(counts, bounds[some], dtype=np.float64)
        tight[some] = (counts[bounds[some]] > 0) & (counts[bounds[some + 1] - 1] > 0)
    valid = (zeros + sums[::2] + sums[1::2] == whole) & (whole < TOO_LARGE)
    valid &= np.diff(bounds).reshape(-1, 2).max(axis=1) <= _MOST
    buckets = []
    begin = 0
    for side, end, is_tight in zip(sent, bounds[1:].tolist(), tight.tolist(), strict=True):
        if begin == end:
            buckets.append(NOTHING)
        elif is_tight:  # a copy, since a view would keep the others
            buckets.append(Buckets(side.offset, counts[begin:end].copy()))
        else:
            buckets.append(Buckets.dense(side.offset, counts[begin:end]))
        begin = end
    pairs = zip(buckets[::2], buckets[1::2], valid.tolist(), strict=True)
    return [(up, down) if is_valid else None for up, down, is_valid in pairs]
