"""Windows cut by slice: the series of the whole, and those of the slices that are to be judged."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from otelml.data import Key, Sketch, Window
from otelml.sketch.count import Count

Segment: TypeAlias = tuple[tuple[str, str], ...]


def whole(window: Window) -> Window:
    """The same without its slices."""
    return _only(window, {()})


def slices(window: Window) -> Window:
    """The same with nothing but its slices."""
    return _only(window, {key.segment for key in window.sketches} - {()})


def chosen(window: Window, columns: Collection[str], most: int) -> Window:
    """The same with those slices by these columns that have the most rows."""
    held = {of: number for of, number in rows(window).items() if of[0][1] in columns}
    largest = sorted(held, key=lambda of: (-held[of], of))
    return _only(window, {(), *largest[:most]})


def parts(window: Window) -> Iterator[tuple[Segment, Window]]:
    """Each slice as a window of its own, whose keys do not say which slice it is."""
    held: defaultdict[Segment, dict[Key, Sketch]] = defaultdict(dict)
    for key, sketch in window.sketches.items():
        if of := key.segment:
            rest = tuple(label for label in key.labels if label not in of)
            held[of][key._replace(labels=rest)] = sketch
    sizes = rows(window)
    for of, sketches in held.items():
        yield of, replace(window, sketches=MappingProxyType(sketches), rows=sizes.get(of, 0))


def rows(window: Window) -> dict[Segment, int]:
    """The rows of each slice, as the column that saw most of them has it."""
    held: defaultdict[Segment, int] = defaultdict(int)
    for key, sketch in window.sketches.items():
        if (of := key.segment) and not isinstance(sketch, Count):
            held[of] = max(held[of], sketch.observations)
    return held


def _only(window: Window, segments: Collection[Segment]) -> Window:
    kept: dict[Key, Sketch] = {k: s for k, s in window.sketches.items() if k.segment in segments}
    if len(kept) == len(window.sketches):
        return window
    return replace(window, sketches=MappingProxyType(kept))
