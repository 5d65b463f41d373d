"""Which points of a stream were there: their times, in 16 bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable


class Times:
    """Starts and ends of points, by their ends; those that come in order cost an append.

    >>> seen = Times()
    >>> seen.add(0, 5), seen.add(5, 9), seen.add(0, 5)
    (True, True, False)
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._starts, self._ends = array("Q"), array("Q")
        for start, end in pairs:
            self.add(start, end)

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, start: int, end: int) -> bool:
        """Note a point; False if it was there."""
        ends = self._ends
        place = len(ends)
        if ends and end <= ends[-1]:
            place = bisect_left(ends, end)
            while place < len(ends) and ends[place] == end:
                if self._starts[place] == start:
                    return False
                place += 1
        self._starts.insert(place, start)
        ends.insert(place, end)
        return True

    def forget(self) -> int:
        """Forget the oldest; when it ended."""
        del self._starts[0]
        return self._ends.pop(0)

    @property
    def newest(self) -> int:
        """The latest end; 0 without any."""
        return self._ends[-1] if self._ends else 0

    def dump(self) -> list[int]:
        """Starts, then ends, for JSON."""
        return [*self._starts, *self._ends]

    @classmethod
    def load(cls, state: list[int]) -> "Times":
        """What `dump` described."""
        half = len(state) // 2
        return cls(zip(state[:half], state[half:], strict=True))
