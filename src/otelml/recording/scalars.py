"""Single values among objects: which are missing, which are numbers, what others are called.

Whatever an app puts into a column may come here, so nothing is asked of an object but its type
before it is known to be a scalar.
"""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otelml.sketch.categories import OTHER
from otelml.wire.rows import text_of

LONGEST: Final = 256
"""Characters of a category; a longer text is a document, and one of the others."""

_CONTAINERS: Final = ("__len__", "__iter__", "__array__")


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or pandas's word for either."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    may_be = isinstance(value, float | np.floating | np.datetime64 | np.timedelta64)
    return may_be and bool(value != value)  # noqa: PLR0124


def is_number(value: Any) -> bool:
    """Whether a value has a number of its own: moments and durations have their seconds.

    >>> is_number(Decimal(2)), is_number(datetime(1970, 1, 2)), is_number(True)
    (True, True, False)
    """
    kinds = int | float | np.number | Decimal | date | np.datetime64 | timedelta
    return isinstance(value, kinds) and not isinstance(value, bool)


def number_of(value: Any) -> float:
    """What `is_number` as a number; an integer beyond all floats is not finite.

    >>> number_of(datetime(1970, 1, 2)), number_of(timedelta(hours=1)), number_of(-(10**400))
    (86400.0, 3600.0, -inf)
    """
    if isinstance(value, np.datetime64 | np.timedelta64):
        return float(seconds(np.asarray(value)))
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date) and is_missing(value):  # pandas's NaT is one
        return math.nan
    if isinstance(value, date):
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
        return float((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def seconds(moments: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Seconds since the epoch, for which nanoseconds would end in the year 2262; or durations'."""
    if moments.dtype.kind == "m":
        return np.asarray(moments / np.timedelta64(1, "s"), np.float64)
    micros = moments.astype("datetime64[us]")
    return np.where(np.isnat(micros), np.nan, micros.astype(np.int64).astype(np.float64) / 1e6)


def category_of(value: Any) -> str | None:
    """The category that a value is; None if it is missing. What is no scalar is refused.

    >>> category_of(1.0), category_of("a"), category_of("a" * 300), category_of(float("nan"))
    ('1', 'a', '_OTHER', None)
    """
    if is_missing(value):
        return None
    if isinstance(value, str | bytes):
        return _bounded(str(value))
    if isinstance(value, int | float | np.number | np.bool_ | Decimal):
        text = text_of(value)[0]
        return text and _bounded(text)
    text = "" if any(hasattr(value, name) for name in _CONTAINERS) else str(value)
    if not text or " at 0x" in text:  # an address tells of the process, not of the value
        raise TypeError(f"a {type(value).__name__} is no category")
    return _bounded(text)


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else OTHER
