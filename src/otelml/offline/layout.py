"""Which column of a table plays which part, and what a baseline remembers of it."""

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Final, Self

from otelml.data import Baseline, Role
from otelml.offline.spelling import Spelling, spelling
from otelml.sketch.categories import Categories

_ODD: Final = re.compile(r'^\s|\s$|[,"\r\n]')


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column plays which part.

    `numeric` ones are numbers even where they look like text; `known` says how a baseline spells
    categories; `segments` cut the rows into slices.
    """

    prediction: str | None = None
    score: str | None = None
    target: str | None = None
    categorical: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    numeric: frozenset[str] = frozenset()
    known: Mapping[str, Spelling] = field(default_factory=dict)
    segments: tuple[str, ...] = ()

    def role(self, column: str) -> Role | None:
        """The part a column plays; None for one that is left out."""
        if column in self.exclude:
            return None
        special = {
            self.prediction: Role.PREDICTION,
            self.score: Role.SCORE,
            self.target: Role.TARGET,
        }
        return special.get(column, Role.FEATURE)

    def named(self) -> list[str]:
        """Every column that it names."""
        single = [n for n in (self.prediction, self.score, self.target) if n is not None]
        return [*single, *sorted(self.categorical | self.exclude), *self.segments]

    def within(self, columns: Collection[str]) -> Self:
        """The same without the prediction, score, target and segments that are no columns."""

        def there(name: str | None) -> str | None:
            return name if name in columns else None

        return replace(
            self,
            prediction=there(self.prediction),
            score=there(self.score),
            target=there(self.target),
            segments=tuple(name for name in self.segments if name in columns),
        )

    def told(self) -> dict[str, str]:
        """What a baseline has to remember of it."""
        told = {
            "prediction": self.prediction or "",
            "score": self.score or "",
            "target": self.target or "",
            "exclude": joined(sorted(self.exclude)),
            "segments": joined(self.segments),
        }
        return {name: value for name, value in told.items() if value}


def layout_of(baseline: Baseline) -> Layout:
    """The layout by which a baseline was built, for data to check against it."""
    columns = baseline.columns
    kinds = {
        key.removeprefix("feature:") if key.startswith("feature:") else columns.get(key, ""): kind
        for key, kind in baseline.schema.items()
    }
    return Layout(
        columns.get("prediction"),
        columns.get("score"),
        columns.get("target"),
        frozenset(name for name, kind in kinds.items() if kind == "category"),
        frozenset(filter(None, split(columns.get("exclude", "")))),
        frozenset(name for name, kind in kinds.items() if kind == "number"),
        {
            key.name or columns.get(key.role, ""): spelling(sketch.counts.keys())
            for key, sketch in baseline.window.sketches.items()
            if isinstance(sketch, Categories) and not key.segment
        },
        tuple(filter(None, split(columns.get("segments", "")))),
    )


def joined(names: Iterable[str]) -> str:
    """Names between commas, in quotes where they need them.

    >>> print(joined(["id", "price, net"]))
    id,"price, net"
    """
    doubled = ((name, name.replace('"', '""')) for name in names)
    return ",".join(f'"{text}"' if _ODD.search(name) else name for name, text in doubled)


def split(text: str) -> list[str]:
    """The names that are joined in a text.

    >>> split('id, "price, net"')
    ['id', 'price, net']
    """
    return next(csv.reader(StringIO(text, newline=""), skipinitialspace=True), [])
