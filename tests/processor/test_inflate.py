"""Bodies come out whole or not at all, and soon."""

import gzip
import time
import zlib

import pytest
import zstandard

from otelml.processor.inflate import inflated
from otelml.processor.refusal import RefusalError

LIMIT = 1 << 20
PACKED = {"gzip": gzip.compress(b"x" * 1000), "zstd": zstandard.compress(b"x" * 1000)}
SKIPPED = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # a frame of zstd that says nothing


def refused(body: bytes, encoding: str, limit: int = LIMIT) -> tuple[int, str]:
    with pytest.raises(RefusalError) as caught:
        inflated(body, encoding, limit)
    return caught.value.http, caught.value.message


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_that_ends_early_is_refused(encoding: str) -> None:
    packed = PACKED[encoding]
    expected = 400, f"the {encoding} body ends early"
    for end in range(1, len(packed)):
        assert expected == refused(packed[:end], encoding)
        assert expected == refused(packed + packed[:end], encoding)


@pytest.mark.parametrize("encoding", PACKED)
def test_members_are_joined(encoding: str) -> None:
    assert b"x" * 300_000 == inflated(PACKED[encoding] * 300, encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACKED)
def test_no_body_is_empty(encoding: str) -> None:
    assert b"" == inflated(b"", encoding, LIMIT)


@pytest.mark.parametrize("zeros", [1, 10_000])
def test_only_members_of_gzip_may_have_zeros_between_them(zeros: int) -> None:
    padding = b"\0" * zeros
    body = PACKED["gzip"] + padding + PACKED["gzip"] + padding
    assert b"x" * 2000 == inflated(body, "gzip", LIMIT)
    assert 400 == refused(padding + PACKED["gzip"], "gzip")[0]
    assert 400 == refused(PACKED["zstd"] + padding, "zstd")[0]


def test_a_frame_that_says_nothing_is_skipped() -> None:
    body = SKIPPED + PACKED["zstd"] + SKIPPED
    assert b"x" * 1000 == inflated(body, "zstd", LIMIT)
    assert 400 == refused(body[:-1], "zstd")[0]


@pytest.mark.parametrize("encoding", PACKED)
def test_the_limit_holds_for_all_members_together(encoding: str) -> None:
    whole = b"x" * LIMIT
    packed = gzip.compress(whole) if encoding == "gzip" else zstandard.compress(whole)
    assert whole == inflated(packed, encoding, LIMIT)
    assert 413 == refused(packed, encoding, LIMIT - 1)[0]
    assert 413 == refused(packed + PACKED[encoding], encoding)[0]


def test_a_large_body_comes_out_as_it_went_in() -> None:
    whole = b"".join(
        zlib.crc32(str(number).encode()).to_bytes(4, "big") for number in range(50_000)
    )
    assert whole == inflated(gzip.compress(whole), "gzip", LIMIT)
    assert whole == inflated(zstandard.compress(whole), "zstd", LIMIT)


@pytest.mark.parametrize("encoding", PACKED)
def test_many_members_take_no_time(encoding: str) -> None:
    empty = gzip.compress(b"") if encoding == "gzip" else zstandard.compress(b"")
    before = time.process_time()
    assert b"" == inflated(empty * 70_000, encoding, LIMIT)
    assert 400 == refused(empty * 3_000_000, encoding)[0]
    assert time.process_time() - before < 2
