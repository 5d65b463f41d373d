"""When a server that is busy wants to be asked again."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds(text: str | None) -> float | None:
    """The delay that a Retry-After header asks for, in seconds or as a date (RFC 9110, 10.2.3).

    >>> seconds("7"), seconds("Fri, 31 Dec 1999 23:59:59 GMT"), seconds("soon")
    (7.0, 0.0, None)
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)
