"""Requests are judged by their outline before anything is built of them."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otelml.data import Key, Model, Role, Window
from otelml.processor.outline import check_points, check_resources
from otelml.processor.refusal import RefusalError
from otelml.sketch.numeric import Numeric
from otelml.wire.proto import window_metrics


def field(number: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def test_a_real_request_passes() -> None:
    model = Model("m")
    sketches = {
        Key(model, Role.FEATURE, str(i)): Numeric.of(np.random.default_rng(i).normal(size=99))
        for i in range(9)
    }
    body = window_metrics(Window(model, 1, 2, sketches, 99)).SerializeToString()
    check_points(body)
    check_resources(body)
    check_points(b"")


@pytest.mark.parametrize("depth", range(5))
def test_many_empty_parts_are_refused_at_once(depth: int) -> None:
    numbers = (1, 2, 2, 10, 1)[: depth + 1]
    body = field(numbers[-1], b"") * 2_000_000
    for number in reversed(numbers[:-1]):
        body = field(number, body)
    began = time.process_time()
    with pytest.raises(RefusalError, match="smaller batches"):
        check_points(body)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("other", [b"\x78\x01", b"\x7a\x00", b"\0\0"])
@pytest.mark.parametrize("check", [check_points, check_resources])
def test_many_other_fields_are_refused_at_once(
    check: Callable[[bytes], None], other: bytes
) -> None:
    began = time.process_time()
    with pytest.raises(RefusalError):
        check(other * (32 << 20))
    assert time.process_time() - began < 2


@given(st.binary(max_size=300))
def test_bytes_are_refused_or_pass(body: bytes) -> None:
    for check in (check_points, check_resources):
        try:
            check(body)
        except RefusalError as refusal:
            status = refusal.http
        else:
            status = 400
        assert 400 == status


@given(st.binary(max_size=60))
def test_what_the_outline_refuses_is_no_request(body: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        check_resources(body)
    except RefusalError:
        try:
            ExportMetricsServiceRequest.FromString(body)
        except DecodeError:
            return
        # Groups, which protobuf had and OTLP never used, are all that it may refuse.
        assert any(byte & 7 in (3, 4) for byte in body)
