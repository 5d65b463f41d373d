"""What is read of a request at once is what protobuf reads of it piece by piece."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from otelml.data import Key, Model, Role
from otelml.sketch.exponential import Exponential
from otelml.sketch.parts import Part
from otelml.wire.decode import Decoder
from otelml.wire.encode import key_values
from otelml.wire.points import address
from otelml.wire.shallow import MetricsData, sides
from otelml.wire.varints import TOO_LARGE, varints

Point = pb.ExponentialHistogramDataPoint
Side = Point.Buckets
COUNTS = st.lists(st.integers(0, 64).flatmap(lambda bits: st.integers(0, 2**bits - 1)), max_size=9)


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def shallow(*points: pb.ExponentialHistogramDataPoint) -> list[Any]:
    whole = pb.MetricsData()
    metric = whole.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    metric.exponential_histogram.data_points.extend(points)
    read = MetricsData.FromString(whole.SerializeToString())
    metric = read.resource_metrics[0].scope_metrics[0].metrics[0]
    return [*metric.exponential_histogram.data_points]


def point(*counts: int, offset: int = 0) -> pb.ExponentialHistogramDataPoint:
    return Point(count=sum(counts), positive=Side(offset=offset, bucket_counts=counts))


@given(st.lists(COUNTS, max_size=6))
@example([[2**56 - 1], [2**56, 2**64 - 1], [], [2**53 - 1, 2**53, 2**53 + 1]])
def test_numbers_are_those_that_protobuf_packs(chunks: list[list[int]]) -> None:
    packed = [b"".join(map(varint, counts)) for counts in chunks]
    for body, counts in zip(packed, chunks, strict=True):
        assert Side(bucket_counts=counts).SerializeToString().endswith(body)
    numbers, bounds = varints(packed)
    expected = [[min(n, TOO_LARGE) for n in counts] for counts in chunks]
    assert expected == [numbers[a:b].tolist() for a, b in pairwise(bounds)]


@pytest.mark.parametrize("chunks", [[b"\x80"], [b"\x01\x80", b"\x01"], [b"\x80" * 10 + b"\x01"]])
def test_what_is_no_number_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(DecodeError):
        varints(chunks)


@given(st.lists(st.tuples(COUNTS, COUNTS, st.integers(0, 3)), max_size=5))
def test_sides_are_those_that_protobuf_reads(given: list[tuple[list[int], list[int], int]]) -> None:
    points = []
    for up, down, zeros in given:
        whole = min(sum(up) + sum(down) + zeros, 2**64 - 1)
        above, below = Side(offset=-3, bucket_counts=up), Side(offset=5, bucket_counts=down)
        points.append(Point(count=whole, zero_count=zeros, positive=above, negative=below))
    for (up, down, zeros), both in zip(given, sides(shallow(*points)), strict=True):
        if sum(up) + sum(down) + zeros >= TOO_LARGE:
            assert both is None
            continue
        assert both is not None
        for buckets, counts, offset in zip(both, (up, down), (-3, 5), strict=True):
            dense = np.zeros(len(counts) + 64, np.int64)
            first = buckets.offset - offset if buckets.counts.size else 0
            dense[first : first + buckets.counts.size] = buckets.counts
            assert dense[: len(counts)].tolist() == counts
            assert not buckets.counts.size or (buckets.counts[0] and buckets.counts[-1])


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


@pytest.mark.parametrize(
    "counts",
    [
        b"".join(b"\x10" + varint(n) for n in (5, 300, 7)),  # each in a field of its own
        field(2, varint(5)) + field(2, varint(300) + varint(7)),  # in two packs
    ],
)
def test_counts_that_are_packed_otherwise_are_read_as_well(counts: bytes) -> None:
    where = address(Key(Model("fraud"), Role.FEATURE, "age"), Part.BODY)
    assert where is not None
    odd = Point(count=312, start_time_unix_nano=1, time_unix_nano=2)
    odd.attributes.extend(key_values(where.attributes))
    body = field(1, odd.SerializeToString() + field(8, b"\x08\x06" + counts)) + b"\x10\x02"
    metric = field(1, where.metric.encode()) + field(10, body)
    (read,) = Decoder().points(field(1, field(2, field(2, metric))), Counter())
    assert isinstance(read.value, Exponential)
    assert (3, [5, 300, 7]) == (read.value.positive.offset, [*read.value.positive.counts])


def test_points_of_any_number_and_size_are_read() -> None:
    many = [point(*range(1, 2 + n % 500), offset=n) for n in range(700)]
    many[100] = point(*[1] * 20_000)
    many[300] = point(*[1] * 200_000)
    for place, both in enumerate(sides(shallow(*many))):
        if place in (100, 300):
            assert both is None
        else:
            assert both is not None
            assert both[0].offset == place
            assert both[0].counts.tolist() == [*range(1, 2 + place % 500)]
