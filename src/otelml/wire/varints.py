"""Packed varints, those of many chunks decoded at once.

A request holds thousands of bucket counts. To take them one by one, as protobuf hands them out, is
the greatest single cost of a point.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from google.protobuf.message import DecodeError

from otelml.sketch.array import Ints

TOO_LARGE: Final = 2**53
"""What numbers from 2⁵³ on are read as: a double does not hold them all."""

_LONGEST: Final = 10
"""Bytes of a number of 64 bits."""

_WORD: Final = 8
"""Bytes that are looked at; what takes more is too large."""

_BEFORE: Final = bytes(_WORD)
"""Put before the first number, so that a word may end with it."""

_U: Final = np.uint64
_JOINS: Final = (
    (1, _U(0x007F_007F_007F_007F), _U(0x7F00_7F00_7F00_7F00), _U(1)),
    (2, _U(0x0000_3FFF_0000_3FFF), _U(0x3FFF_0000_3FFF_0000), _U(2)),
    (4, _U(0x0000_0000_0FFF_FFFF), _U(0x0FFF_FFFF_0000_0000), _U(4)),
)
"""How groups of 7 bits close up: in numbers of more bytes than the first says, bits of a word that
stay, bits that move down to them, and how far."""


def varints(chunks: Sequence[bytes]) -> tuple[Ints, Ints]:
    r"""The numbers in all chunks, and where those of each begin, and the last ones end.

    Raises:
        google.protobuf.message.DecodeError: a chunk ends within a number, or one is too long.

    >>> varints([b"\x01\x96\x01", b"", b"\x03"])
    (array([  1, 150,   3]), array([0, 2, 2, 3]))
    """
    raw = np.frombuffer(b"".join([_BEFORE, *chunks]), np.uint8)
    # The word that begins at a place ends with the byte of `tops` there; `last` ends numbers.
    tops = raw[_WORD - 1 :]
    last = np.flatnonzero(tops < 0x80)
    ends = np.array([0, *map(len, chunks)]).cumsum()
    size = np.diff(last)
    longest = int(size.max(initial=0))
    if (tops[ends] >= 0x80).any() or longest > _LONGEST:
        raise DecodeError("counts of buckets are no packed varints")
    words = np.ndarray(tops.size, "<u8", raw.data, 0, (1,)).take(last[1:])
    too_long = size > _WORD
    size[too_long] = _WORD
    words >>= ((_WORD - size) << 3).view(np.uint64)
    for width, stay, move, by in _JOINS:
        if longest > width:
            moved = words & move
            moved >>= by
            words &= stay
            words |= moved
    numbers = words.view("<i8")
    if longest >= _WORD:
        numbers[too_long | (numbers > TOO_LARGE)] = TOO_LARGE
    return numbers, last.searchsorted(ends, side="right") - 1
