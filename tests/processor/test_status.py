"""The answers of an OTLP server: full and partial success, refusals, and what may be retried."""

import asyncio
import gzip
import re
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest
import zstandard
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_UNSPECIFIED

from otelml.data import Window
from otelml.processor.service import Service
from otelml.processor.signals import Signal
from otelml.wire.proto import window_metrics

Code = grpc.StatusCode
Start = Callable[..., Awaitable[Service]]
SECOND = 1_000_000_000
PROTOBUF = {"content-type": "application/x-protobuf"}
FOREIGN = Signal.TRACES.request()
FOREIGN.resource_spans.add().scope_spans.add().spans.add(name="GET /")


async def post(
    service: Service, body: bytes, path: str = "/v1/metrics", **headers: str
) -> httpx.Response:
    given = PROTOBUF | {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(timeout=20) as client:
        url = f"http://127.0.0.1:{service.ports['otlp/http']}{path}"
        return await client.post(url, content=body, headers=given)


async def call(service: Service, body: bytes, signal: Signal = Signal.METRICS) -> bytes:
    target = f"127.0.0.1:{service.ports['otlp/grpc']}"
    async with grpc.aio.insecure_channel(
        target, options=[("grpc.max_send_message_length", -1)]
    ) as channel:
        answer: bytes = await channel.unary_unary(signal.method, None, None)(body, timeout=20)
        return answer


async def refused(service: Service, body: bytes, signal: Signal = Signal.METRICS) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(service, body, signal)
    return caught.value


def details(error: Any) -> Any:
    trailers = error.trailing_metadata() or ()
    raw = next((value for name, value in trailers if name == "grpc-status-details-bin"), None)
    return None if raw is None else Status.FromString(raw)


async def test_everything_passes_through_untouched(
    start: Start, sink: Any, make_window: Callable[..., Window]
) -> None:
    service = await start()
    ours = window_metrics(make_window()).SerializeToString()
    foreign = FOREIGN.SerializeToString() + b"\x9a\x06\x03abc"  # a field of tomorrow
    assert b"" == await call(service, ours)
    assert b"" == await call(service, foreign, Signal.TRACES)
    response = await post(service, gzip.compress(ours), content_encoding="gzip")
    assert (200, b"", PROTOBUF["content-type"]) == (
        response.status_code,
        response.content,
        response.headers["content-type"],
    )
    assert [(Signal.METRICS, ours), (Signal.TRACES, foreign), (Signal.METRICS, ours)] == [
        item for item in sink.received if item[1] in (ours, foreign)
    ]


async def test_the_next_hops_partial_success_reaches_the_sender(start: Start, sink: Any) -> None:
    partial = ExportMetricsServiceResponse()
    partial.partial_success.rejected_data_points = 3
    sink.answer = partial.SerializeToString()
    service = await start()
    assert sink.answer == await call(service, b"")


async def test_an_empty_request_succeeds(start: Start) -> None:
    service = await start()
    for signal in Signal:
        assert b"" == await call(service, b"", signal)
        assert 200 == (await post(service, b"", signal.path)).status_code


async def test_bad_points_are_told_by_reason(
    start: Start, make_window: Callable[..., Window]
) -> None:
    service = await start()
    request = ExportMetricsServiceRequest.FromString(
        window_metrics(make_window()).SerializeToString()
    )
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        if metric.name == "ml.feature.value":
            metric.exponential_histogram.data_points[0].count += 1
            metric.exponential_histogram.data_points[1].flags = 1
        if metric.name == "ml.feature.sum":
            metric.sum.data_points[0].as_double = float("nan")
        if metric.name == "ml.inference.predictions":
            metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_UNSPECIFIED
    answer = ExportMetricsServiceResponse.FromString(
        await call(service, request.SerializeToString())
    )
    assert 4 == answer.partial_success.rejected_data_points
    message = answer.partial_success.error_message
    for reason in ("bucket_counts 1", "no_recorded_value 1", "not_finite 1", "temporality 1"):
        assert reason in message


async def test_points_from_the_future_are_told(
    start: Start, make_window: Callable[..., Window]
) -> None:
    service = await start()
    ahead = time.time_ns() + 3600 * SECOND
    window = replace(make_window(), start=ahead - SECOND, end=ahead)
    request = window_metrics(window)
    answer = ExportMetricsServiceResponse.FromString(
        await call(service, request.SerializeToString())
    )
    sent = sum(
        len(getattr(metric, str(metric.WhichOneof("data"))).data_points)
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
    )
    assert 1 < answer.partial_success.rejected_data_points <= sent
    assert re.search("were not counted: future [0-9]+$", answer.partial_success.error_message)


@pytest.mark.parametrize("body", [b"\xff" * 40, b"\x0a\x7f", b"\x0a\xff\xff\xff", b"ml.\xff"])
async def test_what_is_no_request_is_invalid(start: Start, body: bytes) -> None:
    service = await start()
    assert Code.INVALID_ARGUMENT is (await refused(service, body)).code()
    response = await post(service, body)
    assert (400, 3) == (response.status_code, Status.FromString(response.content).code)
    assert PROTOBUF["content-type"] == response.headers["content-type"]


@pytest.mark.parametrize("kind", ["text/plain", "", "application/json"])
async def test_other_content_types_are_not_served(start: Start, kind: str) -> None:
    response = await post(await start(), b"", content_type=kind)
    assert 415 == response.status_code
    assert "application/x-protobuf" in Status.FromString(response.content).message


async def test_parameters_of_the_content_type_are_accepted(start: Start) -> None:
    response = await post(await start(), b"", content_type="application/x-protobuf; charset=utf-8")
    assert 200 == response.status_code


async def test_other_methods_and_paths_are_not_served(start: Start) -> None:
    service = await start()
    base = f"http://127.0.0.1:{service.ports['otlp/http']}"
    async with httpx.AsyncClient() as client:
        wrong = await client.get(f"{base}/v1/metrics")
        nowhere = await client.post(f"{base}/v1/profiles", headers=PROTOBUF)
    assert (405, "POST") == (wrong.status_code, wrong.headers["allow"])
    assert 404 == nowhere.status_code
    assert Status.FromString(nowhere.content).message


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(b""), 200),
        ("zstd", zstandard.compress(b""), 200),
        ("identity", b"", 200),
        ("gzip", b"not gzip", 400),
        ("gzip", gzip.compress(b"x" * 1000)[:-12], 400),
        ("zstd", b"not zstd", 400),
        ("zstd", zstandard.compress(b"x" * 1000)[:-1], 400),
        ("deflate", zlib.compress(b""), 415),
        ("gzip", gzip.compress(b"\0" * (1 << 24)), 413),
        ("zstd", zstandard.compress(b"\0" * (1 << 24)), 413),
        ("gzip", gzip.compress(b"") + gzip.compress(b"\0" * (1 << 24)), 413),
        ("identity", b"\0" * ((1 << 20) + 1), 413),
    ],
)
async def test_encodings(start: Start, encoding: str, body: bytes, status: int) -> None:
    response = await post(await start(), body, content_encoding=encoding)
    assert status == response.status_code
    assert "retry-after" not in response.headers
    if status != 200:
        assert Status.FromString(response.content).message


async def test_a_large_body_over_grpc_is_not_to_be_sent_again(start: Start) -> None:
    error = await refused(await start(), b"\0" * ((1 << 20) + 1))
    assert Code.RESOURCE_EXHAUSTED is error.code()
    assert details(error) is None


async def test_a_slow_body_is_given_up(start: Start) -> None:
    service = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.ports["otlp/http"])
    writer.write(
        b"POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n"
        b"Content-Length: 100\r\n\r\nx"
    )
    answer = await asyncio.wait_for(reader.readline(), 10)
    assert answer.startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


def retry_details(seconds: int) -> bytes:
    status = Status(code=8, message="slow down")
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=seconds)))
    whole: bytes = status.SerializeToString()
    return whole


_SAME = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.UNIMPLEMENTED: 404,
    Code.RESOURCE_EXHAUSTED: 413,
}
_RETRIED = {
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.ABORTED,
    Code.OUT_OF_RANGE,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
}


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
async def test_the_next_hops_refusal_reaches_the_sender(
    start: Start, sink: Any, code: grpc.StatusCode
) -> None:
    service = await start()
    sink.refuse = (code, "no", None)
    over_grpc, over_http = await refused(service, b""), await post(service, b"")
    if code in _RETRIED:
        expected: tuple[Any, int] = (Code.UNAVAILABLE, 503)
        assert "retry-after" in over_http.headers
    else:
        expected = (code, _SAME[code]) if code in _SAME else (Code.INTERNAL, 500)
    assert expected == (over_grpc.code(), over_http.status_code)
    assert "no" == Status.FromString(over_http.content).message


async def test_the_next_hops_delay_reaches_the_sender(start: Start, sink: Any) -> None:
    service = await start()
    sink.refuse = (Code.RESOURCE_EXHAUSTED, "slow down", retry_details(7))
    error = await refused(service, b"")
    info = RetryInfo()
    assert details(error).details[0].Unpack(info)
    assert (Code.RESOURCE_EXHAUSTED, 7) == (error.code(), info.retry_delay.seconds)
    response = await post(service, b"")
    assert 429 == response.status_code
    assert 7 <= int(response.headers["retry-after"]) <= 10


async def test_a_dead_next_hop_may_be_retried(start: Start, sink: Any) -> None:
    exporter = {"endpoint": "127.0.0.1:1", "tls": {"insecure": True}, "timeout": "1s"}
    service = await start({"otlp_grpc": exporter})
    assert Code.UNAVAILABLE is (await refused(service, b"")).code()
    assert 503 == (await post(service, b"")).status_code


async def test_findings_only_forwards_nothing(
    start: Start, sink: Any, make_window: Callable[..., Window]
) -> None:
    service = await start(forward=False)
    ours = window_metrics(make_window()).SerializeToString()
    await call(service, ours)
    await call(service, b"", Signal.LOGS)
    assert [] == [body for _, body in sink.received if body in (ours, b"")]
    assert Code.INVALID_ARGUMENT is (await refused(service, b"\x0a\x02\xff\xff")).code()
