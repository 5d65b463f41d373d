"""Request bodies, inflated in steps so that no bomb gets beyond the limit."""

import zlib

import zstandard

from otelml.processor.refusal import Code, RefusalError, invalid

_STEP = 1 << 16


def too_large(limit: int) -> RefusalError:
    """The refusal of a body beyond the limit: 413, not to be sent again."""
    return RefusalError(
        Code.RESOURCE_EXHAUSTED, f"the request is larger than {limit} bytes: send smaller batches"
    )


def inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its encoding.

    Raises:
        RefusalError: it is too large, broken, or of an unknown encoding.

    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            return _gunzipped(body, limit)
        case "zstd":
            return _unzstd(body, limit)
        case _:
            message = f"content-encoding {encoding[:40]!r} is not served: use gzip, zstd or none"
            raise RefusalError(Code.INVALID_ARGUMENT, message, http=415)


def _gunzipped(body: bytes, limit: int) -> bytes:
    out = bytearray()
    rest = body
    try:
        while rest:  # a gzip file may have several members
            machine = zlib.decompressobj(wbits=31)
            while not machine.eof:
                piece = machine.decompress(rest, limit - len(out) + 1)
                rest = machine.unconsumed_tail
                out += piece
                if len(out) > limit:
                    raise too_large(limit)
                if not piece and not machine.eof:
                    raise invalid("the gzip body ends early")
            rest = machine.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise invalid(f"the body is not gzip: {error}") from error
    return bytes(out)


def _unzstd(body: bytes, limit: int) -> bytes:
    out = bytearray()
    machine = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    try:
        with machine.stream_reader(body, read_across_frames=True) as stream:
            while piece := stream.read(_STEP):
                out += piece
                if len(out) > limit:
                    raise too_large(limit)
    except zstandard.ZstdError as error:
        raise invalid(f"the body is not zstd: {error}") from error
    return bytes(out)
