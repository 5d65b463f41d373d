"""How a request is refused: one table from gRPC's codes to HTTP's, and what may be retried."""

from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

Code = grpc.StatusCode

RETRYABLE: Final = frozenset(
    {
        Code.CANCELLED,
        Code.DEADLINE_EXCEEDED,
        Code.ABORTED,
        Code.OUT_OF_RANGE,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
    }
)
RETRYABLE_HTTP: Final = frozenset({429, 502, 503, 504})
LONGEST: Final = 1024
"""Bytes of a message that is passed on: more, spelled in ASCII, is too long for a gRPC header."""

_LONGEST_DELAY: Final = 3600.0
"""Seconds: whoever asks for more may well be asked again after an hour."""

_HTTP: Final = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.UNIMPLEMENTED: 404,
    Code.RESOURCE_EXHAUSTED: 413,
}
_FROM_HTTP: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
}


class RefusalError(Exception):
    """A request is not accepted; `retry_after` in seconds says that it may come again."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        retry_after: float | None = None,
        http: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message.encode(errors="replace")[:LONGEST].decode(errors="ignore")
        self.retry_after = None if retry_after is None else min(retry_after, _LONGEST_DELAY)
        self._http = http

    @property
    def retryable(self) -> bool:
        """Whether the sender may send it again."""
        return self.code in RETRYABLE or (
            self.code is Code.RESOURCE_EXHAUSTED and self.retry_after is not None
        )

    @property
    def http(self) -> int:
        """The status over HTTP."""
        if self._http is not None:
            return self._http
        if self.retryable:
            return 429 if self.code is Code.RESOURCE_EXHAUSTED else 503
        return _HTTP.get(self.code, 500)

    def status(self) -> bytes:
        """The body that says so, a serialised `google.rpc.Status`."""
        number: int = self.code.value[0]
        status = Status(code=number, message=self.message)
        if self.retryable and self.retry_after is not None:
            delay = Duration()
            delay.FromNanoseconds(int(self.retry_after * 1e9))
            status.details.add().Pack(RetryInfo(retry_delay=delay))
        whole: bytes = status.SerializeToString()
        return whole


def invalid(message: str) -> RefusalError:
    """What was sent is no request."""
    return RefusalError(Code.INVALID_ARGUMENT, message)


def busy(message: str, retry_after: float = 2.0) -> RefusalError:
    """Not now."""
    return RefusalError(Code.UNAVAILABLE, message, retry_after)


def from_grpc(code: grpc.StatusCode, message: str, details: bytes | None) -> RefusalError:
    """What the next hop's answer means to the sender."""
    retry_after = _retry_delay(details)
    if code in RETRYABLE:
        return RefusalError(Code.UNAVAILABLE, message, retry_after)
    if code is Code.RESOURCE_EXHAUSTED:
        return RefusalError(code, message, retry_after)
    return RefusalError(code if code in _HTTP else Code.INTERNAL, message)


def from_http(status: int, message: str, retry_after: float | None) -> RefusalError:
    """What the next hop's answer over HTTP means to the sender."""
    if status == 429:
        return RefusalError(Code.RESOURCE_EXHAUSTED, message, retry_after or 2.0)
    if status in RETRYABLE_HTTP:
        return RefusalError(Code.UNAVAILABLE, message, retry_after)
    return RefusalError(_FROM_HTTP.get(status, Code.INTERNAL), message)


def _retry_delay(details: bytes | None) -> float | None:
    if not details or len(details) > 1 << 16:
        return None
    try:
        status = Status.FromString(details)
        for detail in status.details:
            info = RetryInfo()
            if detail.Unpack(info):
                return float(max(info.retry_delay.ToNanoseconds() / 1e9, 0.0))
    except (DecodeError, ValueError):
        return None
    return None
