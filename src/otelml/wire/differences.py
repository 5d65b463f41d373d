"""How much the value of a stream grew from one point to the next."""

from math import isnan, log2, nan

from otelml.sketch.buckets import FINEST, Buckets
from otelml.sketch.exponential import Exponential
from otelml.sketch.probability import Probability
from otelml.wire.shallow import NOTHING
from otelml.wire.values import Value


def holds(value: Value) -> bool:
    """Whether there is anything in it."""
    if isinstance(value, Exponential):
        return bool(value.zeros or value.positive.counts.size or value.negative.counts.size)
    return bool(value.counts.any()) if isinstance(value, Probability) else value != 0


def minus(now: Value, before: Value, *, monotonic: bool) -> Value | None:
    """What came since; None if a count fell, or if it is of another kind."""
    if isinstance(now, Exponential):
        return _exponential_minus(now, before) if isinstance(before, Exponential) else None
    if isinstance(now, Probability):
        return now.minus(before) if isinstance(before, Probability) else None
    if not isinstance(before, (int, float)):
        return None
    return None if monotonic and now < before else now - before


def _exponential_minus(now: Exponential, before: Exponential) -> Exponential | None:
    if now.scale == before.scale and now.origin == before.origin:
        up = _side_minus(now.positive, before.positive)
        down = _side_minus(now.negative, before.negative)
        zeros = now.zeros - before.zeros
        if up is not None and down is not None and zeros >= 0:
            return _bounded(Exponential(now.scale, zeros, up, down, nan, nan, now.origin), now)
    new = now.minus(before)
    return None if new is None else _bounded(new, now)


def _side_minus(now: Buckets, before: Buckets) -> Buckets | None:
    """What came into the same buckets, as most are; None if they are others or a count fell."""
    whole, older = now.counts, before.counts
    if now.offset != before.offset or len(whole) != len(older):
        return None
    if not len(whole):
        return NOTHING
    counts = whole - older
    least = counts[counts.argmin()]
    if least < 0:
        return None
    if least or (counts[0] and counts[-1]):
        return Buckets(now.offset, counts)
    return Buckets.dense(now.offset, counts)


def _bounded(new: Exponential, whole: Exponential) -> Exponential:
    """The same with the whole's extremes, if both lie in the outermost buckets of what is new.

    There they bound it better than the buckets do; elsewhere they are of older values.
    """
    low, high = whole.minimum, whole.maximum
    if isnan(low) or not holds(new):
        return new
    if not (_in_edge(new, low - new.origin, lowest=True) and _in_edge(new, high - new.origin)):
        return new
    return Exponential(new.scale, new.zeros, new.positive, new.negative, low, high, new.origin)


def _in_edge(histogram: Exponential, x: float, *, lowest: bool = False) -> bool:
    """Whether x lies in the outermost bucket on that side."""
    up, down = histogram.positive, histogram.negative
    near, far = (down, up) if lowest else (up, down)
    sign = -1.0 if lowest else 1.0
    if near.counts.size:
        index, magnitude = near.offset + near.counts.size - 1, sign * x
    elif histogram.zeros:
        return x == 0
    else:
        index, magnitude = far.offset, -sign * x
    if not magnitude > 0:
        return False
    position = log2(magnitude) * 2.0**histogram.scale - index
    slack = 2.0 ** (histogram.scale - FINEST)
    return -slack <= position <= 1 + slack
