"""What each point of a stream adds: cumulative streams become deltas, no delivery counts twice.

A cumulative stream is followed by its identity *and* its start, so a restart is simply another
stream, whatever the order in which the last points of one and the first of the other arrive.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from otelml.data import Point
from otelml.sketch.parts import Piece
from otelml.wire.decode import StreamPoint
from otelml.wire.differences import holds, minus
from otelml.wire.state import dump, load
from otelml.wire.times import Times
from otelml.wire.values import Value

_EPOCHS: Final = 16
"""Starts of one stream that are followed at a time, and more while they are all heard of."""

_MOST_EPOCHS: Final = 256
"""Starts at most: processes whose resource does not tell them apart are starts of one stream."""

_UNHEARD: Final = 3600 * 1_000_000_000
"""How long a start without points is followed if there are more."""

_REMEMBERED: Final = 256
"""Deltas of one stream that are remembered, to know them when they come again."""

_MIXED: Final = "temporality"
"""Two readers of one app send the same, as deltas and cumulative: one of them counts."""


_Mark: TypeAlias = tuple[int, Value]
"""How far a cumulative stream was counted: the end and the value of its newest point."""


@dataclass(slots=True)
class _Trail:
    """What was counted of one stream."""

    marks: dict[int, _Mark] = field(default_factory=dict)
    deltas: Times | None = None
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
        stream, cumulative, _, start, end, value = point
        trail = self._trails.get(stream.id)
        if trail is None:
            if len(self._trails) >= self.most:
                self.dropped["stream_limit"] += 1
                return None
            trail = self._trails[stream.id] = _Trail()
        trail.seen = max(trail.seen, end, now)
        step = self._step(trail, point) if cumulative else self._whole(trail, start, end, value)
        if step is None:
            return None
        start, value = step
        key, part, label, _ = stream.location
        return Point(key, Piece(part, value, label), start, end)

    def _whole(self, trail: _Trail, start: int, end: int, value: Value) -> tuple[int, Value] | None:
        """What a delta adds: itself, the first time."""
        if end <= trail.forgotten:
            self.dropped["late"] += 1
            return None
        if trail.marks and start < max(end for end, _ in trail.marks.values()):
            self.dropped[_MIXED] += 1
            return None
        if trail.deltas is None:
            trail.deltas = Times()
        if not trail.deltas.add(start, end):
            self.dropped["duplicate"] += 1
            return None
        if len(trail.deltas) > _REMEMBERED:
            trail.forgotten = max(trail.forgotten, trail.deltas.forget())
        return start, value

    def _step(self, trail: _Trail, point: StreamPoint) -> tuple[int, Value] | None:
        """What a cumulative point adds to the one before it."""
        mark = trail.marks.get(point.start)
        step = self._first(trail, point) if mark is None else self._next(trail, point, mark)
        if step is None or trail.deltas is None:
            return step
        since = point.start if mark is None else mark[0]
        if since < trail.deltas.newest:
            self.dropped[_MIXED] += 1
            return None
        return step

    def _next(self, trail: _Trail, point: StreamPoint, mark: _Mark) -> tuple[int, Value] | None:
        _, _, monotonic, start, end, value = point
        before, counted = mark
        if end <= before:
            self.dropped["duplicate" if end == before else "out_of_order"] += 1
            return None
        trail.marks[start] = end, value
        new = minus(value, counted, monotonic=monotonic)
        if new is None:  # a count fell: what is counted now came since
            return before, value
        return (before, new) if holds(new) else None

    def _first(self, trail: _Trail, point: StreamPoint) -> tuple[int, Value] | None:
        marks = trail.marks
        reset = bool(marks) and point.start >= max(end for end, _ in marks.values())
        marks[point.start] = point.end, point.value
        known = point.start >= trail.forgotten
        if len(marks) > _EPOCHS:
            oldest = min(marks, key=lambda start: marks[start][0])
            if len(marks) > _MOST_EPOCHS or marks[oldest][0] < point.end - _UNHEARD:
                trail.forgotten = max(trail.forgotten, oldest + 1)
                del marks[oldest]
        whole = reset or (point.start >= self.since and known)
        if not whole or point.start in (0, point.end):
            self.dropped["first_sight" if known else "process_limit"] += 1
            return None
        return (point.start, point.value) if holds(point.value) else None

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
                    [[start, end, dump(value)] for start, (end, value) in trail.marks.items()],
                    [] if trail.deltas is None else trail.deltas.dump(),
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
                {start: (end, load(value)) for start, end, value in marks},
                Times.load(seen_deltas) if seen_deltas else None,
                forgotten,
                seen,
            )
        return deltas
