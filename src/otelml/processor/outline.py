"""The outline of a request, walked without decoding it: whether it is one, of how many parts.

A few bytes may stand for an empty message that costs a hundred in memory, so a request of many
parts is refused before anything is built of it.
"""

from typing import Final

from otelml.processor.refusal import RefusalError, invalid

MOST: Final = 250_000
"""Resources, scopes, records, metrics and points of one request, together."""

_OTHER: Final = 1 / 8
"""What any other field that is walked counts: a few kilobytes, inflated, may be millions."""

# Field numbers to go into, level by level: resource, scope, metric or record, kind of data, point.
_LEVELS: Final = (
    frozenset({1}),
    frozenset({2}),
    frozenset({2}),
    frozenset({5, 7, 9, 10, 11}),
    frozenset({1}),
)


def check_resources(body: bytes) -> None:
    """Refuse what is no list of resources; raises RefusalError."""
    _walk(body, 0, len(body), 0, 0, deepest=1)


def check_records(body: bytes) -> None:
    """Refuse a request of logs with too many parts, or none of a request; raises."""
    _walk(body, 0, len(body), 0, 0, deepest=3)


def check_points(body: bytes) -> None:
    """Refuse a request of metrics with too many parts, or none of a request; raises."""
    _walk(body, 0, len(body), 0, 0, deepest=len(_LEVELS))


def _walk(body: bytes, position: int, end: int, level: int, count: float, deepest: int) -> float:
    """The parts counted so far, after those of one message."""
    fields = _LEVELS[level]
    while position < end:
        tag = body[position]
        if tag < 0x80:
            position += 1
        else:
            tag, position = _varint(body, position, end)
        kind = tag & 7
        is_part = kind == 2 and tag >> 3 in fields
        count += 1 if is_part else _OTHER
        if count > MOST:
            raise too_many()
        if tag < 8:
            raise invalid("not an OTLP request: it holds a field without a number")
        if kind == 2:
            length = body[position] if position < end else 0
            if length < 0x80:
                position += 1
            else:
                length, position = _varint(body, position, end)
            after = position + length
            if after > end:
                raise _early()
            if is_part and level + 1 < deepest and length:
                count = _walk(body, position, after, level + 1, count, deepest)
            position = after
        elif kind == 0:
            _, position = _varint(body, position, end)
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
        else:
            raise invalid("not an OTLP request: it holds what protobuf has not")
    if position > end:
        raise _early()
    return count


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 70:
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise _early()


def _early() -> RefusalError:
    return invalid("not an OTLP request: it ends early")


def too_many() -> RefusalError:
    """The refusal of a request with too many parts."""
    return invalid(f"a request of more than {MOST} parts: send smaller batches")
