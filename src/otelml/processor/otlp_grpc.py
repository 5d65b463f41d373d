"""OTLP/gRPC: raw bytes in, raw bytes out, nothing decoded here."""

from typing import TYPE_CHECKING

import grpc

from otelml.processor import config
from otelml.processor.pipeline import Pipeline
from otelml.processor.refusal import RefusalError
from otelml.processor.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_STREAMS = 256
_AGE_MILLISECONDS = 10 * 60_000


def server(
    settings: config.GrpcReceiver, pipeline: Pipeline, signals: "Iterable[Signal]"
) -> tuple[grpc.aio.Server, int]:
    """A server of some signals that is bound, not started; and its port.

    Raises:
        OSError: the address cannot be had.

    """
    options = [
        ("grpc.max_receive_message_length", settings.max_recv_msg_size_mib << 20),
        ("grpc.max_concurrent_streams", _STREAMS),
        ("grpc.max_connection_age_ms", _AGE_MILLISECONDS),
        ("grpc.max_connection_age_grace_ms", 30_000),
        ("grpc.so_reuseport", 0),
    ]
    whole = grpc.aio.server(options=options)
    for signal in signals:
        handler = grpc.unary_unary_rpc_method_handler(_handler(signal, pipeline))
        whole.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),)
        )
    try:
        port = whole.add_insecure_port(settings.endpoint)
    except RuntimeError as error:
        told = str(error).partition(";")[0]  # the rest is how to make gRPC say why, which it did
        raise OSError(told) from error
    return whole, port


def _handler(
    signal: Signal, pipeline: Pipeline
) -> "Callable[[bytes, grpc.aio.ServicerContext[bytes, bytes]], Awaitable[bytes]]":
    async def export(body: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        try:
            return await pipeline.receive(signal, body)
        except RefusalError as refusal:
            trailers = (("grpc-status-details-bin", refusal.status()),)
            await context.abort(refusal.code, refusal.message, trailers)
            raise AssertionError from refusal  # abort has raised

    return export
