"""What each point of a stream adds: cumulative streams become deltas, no delivery counts twice.

A cumulative stream is followed by its identity *and* its start, so a restart is simply another
stream, whatever the order in which the last points of one and the first of the other arrive.
"""

import base64
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from otelml.data import Point
from otelml.sketch.exponential import FINEST, Buckets, Exponential
from otelml.sketch.parts import Piece
from otelml.sketch.probability import Probability
from otelml.wire.decode import StreamPoint
from otelml.wire.values import NOTHING, Value

_EPOCHS: Final = 16
"""Starts of one stream that are followed at a time."""

_REMEMBERED: Final = 256
"""Deltas of one stream that are remembered, to know them when they come again."""

_MIXED: Final = "temporality"
"""Two readers of one app send the same, as deltas and cumulative: one of them counts."""


class Mark(NamedTuple):
    """How far a cumulative stream was counted."""

    end: int
    value: Value


@dataclass(slots=True)
class _Trail:
    """What was counted of one stream."""

    marks: dict[int, Mark] = field(default_factory=dict)
    deltas: dict[tuple[int, int], None] = field(default_factory=dict)
    forgotten: int = 0
    seen: int = 0


class Deltas:
    """Turns the points of streams into additive ones; `since` is when it first began to look."""

    def __init__(self, since: int, most: int = 200_000) -> None:
        self.since = since
        self.most = most
        self.dropped: Counter[str] = Counter()
        self._trails: dict[bytes, _Trail] = {}

    def __len__(self) -> int:
        return len(self._trails)

    def delta(self, point: StreamPoint, now: int = 0) -> Point | None:
        """What the point adds to what was counted before it; None if that is nothing.

        `now` is when it came, by which idle streams are told.
        """
        stream = point.stream
        trail = self._trails.get(stream.id)
        if trail is None:
            if len(self._trails) >= self.most:
                self.dropped["stream_limit"] += 1
                return None
            trail = self._trails[stream.id] = _Trail()
        trail.seen = max(trail.seen, point.end, now)
        step = self._step(trail, point) if point.cumulative else self._whole(trail, point)
        if step is None:
            return None
        start, value = step
        key, part, label, _ = stream.location
        return Point(key, Piece(part, value, label), start, point.end)

    def _whole(self, trail: _Trail, point: StreamPoint) -> tuple[int, Value] | None:
        """What a delta adds: itself, the first time."""
        when = point.start, point.end
        if when in trail.deltas:
            self.dropped["duplicate"] += 1
            return None
        if point.end <= trail.forgotten:
            self.dropped["late"] += 1
            return None
        if trail.marks and point.start < max(mark.end for mark in trail.marks.values()):
            self.dropped[_MIXED] += 1
            return None
        trail.deltas[when] = None
        if len(trail.deltas) > _REMEMBERED:
            oldest = min(trail.deltas, key=lambda times: times[1])
            del trail.deltas[oldest]
            trail.forgotten = max(trail.forgotten, oldest[1])
        return point.start, point.value

    def _step(self, trail: _Trail, point: StreamPoint) -> tuple[int, Value] | None:
        """What a cumulative point adds to the one before it."""
        mark = trail.marks.get(point.start)
        step = self._first(trail, point) if mark is None else self._next(trail, point, mark)
        if step is None or not trail.deltas:
            return step
        since = point.start if mark is None else mark.end
        if since < max(end for _, end in trail.deltas):
            self.dropped[_MIXED] += 1
            return None
        return step

    def _next(self, trail: _Trail, point: StreamPoint, mark: Mark) -> tuple[int, Value] | None:
        start, end = point.start, point.end
        if end <= mark.end:
            self.dropped["duplicate" if end == mark.end else "out_of_order"] += 1
            return None
        trail.marks[start] = Mark(end, point.value)
        value = _minus(point.value, mark.value, monotonic=point.monotonic)
        if value is None:  # a count fell: what is counted now came since
            return mark.end, point.value
        return (mark.end, value) if _holds(value) else None

    def _first(self, trail: _Trail, point: StreamPoint) -> tuple[int, Value] | None:
        marks = trail.marks
        reset = bool(marks) and point.start >= max(mark.end for mark in marks.values())
        marks[point.start] = Mark(point.end, point.value)
        if len(marks) > _EPOCHS:
            oldest = min(marks, key=lambda start: marks[start].end)
            trail.forgotten = max(trail.forgotten, oldest + 1)
            del marks[oldest]
        whole = reset or (point.start >= self.since and point.start >= trail.forgotten)
        if not whole or point.start in (0, point.end):
            self.dropped["first_sight"] += 1
            return None
        return (point.start, point.value) if _holds(point.value) else None

    def forget(self, before: int) -> int:
        """Forget the streams without a point since `before`; how many they were.

        What one of them might still send is then of a stream too old to count whole.
        """
        idle = [key for key, trail in self._trails.items() if trail.seen < before]
        for key in idle:
            del self._trails[key]
            self.since = max(self.since, before)
        return len(idle)

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON."""
        return {
            "since": self.since,
            "trails": [
                [
                    key.hex(),
                    [[start, mark.end, _dump(mark.value)] for start, mark in trail.marks.items()],
                    list(trail.deltas),
                    trail.forgotten,
                    trail.seen,
                ]
                for key, trail in self._trails.items()
            ],
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], most: int = 200_000) -> "Deltas":
        """The deltas that `dump` described."""
        deltas = cls(state["since"], most)
        for key, marks, seen_deltas, forgotten, seen in state["trails"]:
            deltas._trails[bytes.fromhex(key)] = _Trail(
                {start: Mark(end, _load(value)) for start, end, value in marks},
                dict.fromkeys((start, end) for start, end in seen_deltas),
                forgotten,
                seen,
            )
        return deltas


def _holds(value: Value) -> bool:
    if isinstance(value, Exponential):
        return bool(value.zeros or value.positive.counts.size or value.negative.counts.size)
    return bool(value.counts.any()) if isinstance(value, Probability) else value != 0


def _minus(now: Value, before: Value, *, monotonic: bool) -> Value | None:
    if isinstance(now, Exponential):
        return _exponential_minus(now, before) if isinstance(before, Exponential) else None
    if isinstance(now, Probability):
        return now.minus(before) if isinstance(before, Probability) else None
    if not isinstance(before, (int, float)):
        return None
    return None if monotonic and now < before else now - before


def _exponential_minus(now: Exponential, before: Exponential) -> Exponential | None:
    if not _alike(now, before):
        new = now.minus(before)
        return None if new is None else _bounded(new, now)
    up = _side_minus(now.positive, before.positive)
    down = _side_minus(now.negative, before.negative)
    zeros = now.zeros - before.zeros
    if up is None or down is None or zeros < 0:
        return None
    return _bounded(Exponential(now.scale, zeros, up, down, origin=now.origin), now)


def _alike(now: Exponential, before: Exponential) -> bool:
    """Whether both count in the same buckets, as most do: they subtract at a lower cost."""
    return (
        now.scale == before.scale
        and now.origin == before.origin
        and now.positive.offset == before.positive.offset
        and now.negative.offset == before.negative.offset
        and now.positive.counts.size == before.positive.counts.size
        and now.negative.counts.size == before.negative.counts.size
    )


def _side_minus(now: Buckets, before: Buckets) -> Buckets | None:
    """What came into the same buckets; None if a count fell."""
    if not now.counts.size:
        return NOTHING
    counts = now.counts - before.counts
    if counts[counts.argmin()] < 0:
        return None
    if counts[0] and counts[-1]:
        return Buckets(now.offset, counts)
    return Buckets.dense(now.offset, counts)


def _bounded(new: Exponential, whole: Exponential) -> Exponential:
    """The same with the whole's extremes, if both lie in the outermost buckets of what is new.

    There they bound it better than the buckets do; elsewhere they are of older values.
    """
    low, high = whole.minimum, whole.maximum
    if math.isnan(low) or not _holds(new):
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
    position = math.log2(magnitude) * 2.0**histogram.scale - index
    slack = 2.0 ** (histogram.scale - FINEST)
    return -slack <= position <= 1 + slack


def _dump(value: Value) -> list[Any]:
    if isinstance(value, Exponential):
        extremes = [None if math.isnan(x) else x for x in (value.minimum, value.maximum)]
        signs = [[b.offset, _packed(b.counts)] for b in (value.positive, value.negative)]
        return ["exponential", value.scale, value.zeros, *signs, *extremes, value.origin]
    if isinstance(value, Probability):
        return ["probability", _packed(value.counts), value.sum]
    return ["number", value]


def _load(state: list[Any]) -> Value:
    match state:
        case ["exponential", scale, zeros, [up, ups], [down, downs], low, high, origin]:
            sides = Buckets(up, _unpacked(ups)), Buckets(down, _unpacked(downs))
            least, most = (math.nan if x is None else x for x in (low, high))
            return Exponential(scale, zeros, *sides, least, most, origin)
        case ["probability", counts, total]:
            return Probability(_unpacked(counts), total)
        case ["number", (int() | float()) as number]:
            return number
        case _:
            raise ValueError(f"no value of a stream: {state!r}")


def _packed(counts: np.ndarray[Any, np.dtype[np.int64]]) -> str:
    return base64.b64encode(counts.astype("<i8").tobytes()).decode()


def _unpacked(text: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.frombuffer(base64.b64decode(text), "<i8").astype(np.int64)
