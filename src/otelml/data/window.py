"""Sketches by key over a time: on the wire, summed up, and kept to compare with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from otelml.data.key import Key, Model
from otelml.sketch.kind import Sketch
from otelml.sketch.parts import Piece


@dataclass(frozen=True, slots=True)
class Series:
    """A sketch of what one key saw in [start, end), in nanoseconds since the epoch."""

    key: Key
    start: int
    end: int
    sketch: Sketch


@dataclass(frozen=True, slots=True)
class Window:
    """The sum of a model's series over [start, end) in nanoseconds; a baseline is one of old."""

    model: Model
    start: int
    end: int
    sketches: Mapping[Key, Sketch]
    rows: int

    def of(self, model: Model) -> "Window":
        """The same as another model's, or another version's: keys say whose they are."""
        if model == self.model:
            return self
        sketches = {key._replace(model=model): sketch for key, sketch in self.sketches.items()}
        return replace(self, model=model, sketches=MappingProxyType(sketches))


class Point(NamedTuple):
    """One additive piece of a series over [start, end) in nanoseconds, as a data point has it."""

    key: Key
    piece: Piece
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """A window that was kept to compare others with.

    `id` is the first 16 hex digits of the SHA-256 of its content, `created` is in nanoseconds
    since the epoch, `schema` maps each column to the kind of sketch it has. `columns` says which
    column of its data was the `prediction`, `score` or `target`, and which were `exclude`d.
    `outcomes` sums up predictions beside targets, as JSON has it, where the data had both.
    """

    id: str
    model: Model
    window: Window
    rows: int
    source: str
    created: int
    schema: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, Any] | None = None
