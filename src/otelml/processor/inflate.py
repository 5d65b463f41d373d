"""Request bodies, inflated in steps so that no bomb gets beyond the limit."""

import zlib
from collections.abc import Callable
from typing import Any, Final

import zstandard

from otelml.processor.refusal import Code, RefusalError, invalid

_STEP: Final = 1 << 9
"""Bytes that are inflated at a time: four of zstd may become 128 KiB."""

_MOST_MEMBERS: Final = 1 << 17
"""Members or frames of a body: even an empty one takes its time."""


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
    match kind := encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            return _joined(body, kind, limit, lambda: zlib.decompressobj(wbits=31), b"\0")
        case "zstd":
            whole = zstandard.ZstdDecompressor(max_window_size=1 << 27)
            return _joined(body, kind, limit, whole.decompressobj)
        case _:
            message = f"content-encoding {encoding[:40]!r} is not served: use gzip, zstd or none"
            raise RefusalError(Code.INVALID_ARGUMENT, message, http=415)


def _joined(
    body: bytes, kind: str, limit: int, new: Callable[[], Any], padding: bytes = b""
) -> bytes:
    """What the members of a body hold, each inflated by a `new` machine."""
    if not body:
        return b""
    out, machine, members = bytearray(), new(), 1
    try:
        for start in range(0, len(body), _STEP):  # the rest of all is not copied per member
            rest = body[start : start + _STEP]
            while rest:
                if machine.eof:
                    rest = rest.lstrip(padding)
                    if not rest:
                        break
                    machine, members = new(), members + 1
                out += machine.decompress(rest)
                rest = machine.unused_data
                if len(out) > limit:
                    raise too_large(limit)
                if members > _MOST_MEMBERS:
                    raise invalid(f"the {kind} body has more than {_MOST_MEMBERS} members")
    except (zlib.error, zstandard.ZstdError) as error:
        raise invalid(f"the body is not {kind}: {error}") from error
    if not machine.eof:
        raise invalid(f"the {kind} body ends early")
    return bytes(out)
