"""The tables of the join, and the row of one prediction as it is held while it is worked on.

A truth lies beside each prediction that it is of; only while there is none does it lie in
`labels`. So what a model did in a window is one range of one index, and needs no join.
"""

from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from otelml.store.database import NUMBER
from otelml.wire.rows import alike, is_numeral

FORMAT: Final = 2

META: Final = MetaData()
JOINS: Final = Table(
    "joins",
    META,
    Column("id", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
)
"""One row: the length of windows in nanoseconds, and the number of the last transaction."""

OWNERS: Final = Table(
    "owners",
    META,
    Column("id", NUMBER, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)
PREDICTIONS: Final = Table(
    "predictions",
    META,
    Column("row", NUMBER, primary_key=True),
    Column("id", Text, nullable=False),
    Column("owner", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("label", Text),
    Column("value", Double),
    Column("score_class", Text),
    Column("score", Double),
    Column("scores", Text),
    Column("low", Double),
    Column("high", Double),
    Column("segments", Text),
    Column("truth_time", BigInteger),
    Column("truth_label", Text),
    Column("truth_value", Double),
    Column("truth_weight", Double),
    Column("truth_model", Text),
    Column("learned", BigInteger),
    UniqueConstraint("id", "owner"),
    Index("predictions_by_time", "owner", "time"),
    Index("predictions_by_truth", "owner", "learned"),
)
LABELS: Final = Table(
    "labels",
    META,
    Column("id", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("label", Text),
    Column("value", Double),
    Column("weight", Double),
    Index("labels_by_time", "since"),
)
WINDOWS: Final = Table(
    "windows",
    META,
    Column("owner", Integer, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("predictions", BigInteger, nullable=False),
    Column("labelled", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("changed", Boolean, nullable=False),
    Index("windows_by_time", "start", "owner"),
)

Index(
    "windows_changed",
    WINDOWS.c.start,
    WINDOWS.c.owner,
    sqlite_where=text("changed = 1"),  # as queries spell it
    postgresql_where=WINDOWS.c.changed,
)


class Known(NamedTuple):
    """A truth as it is kept; that of no model in particular has "" in its place."""

    time: int
    label: str | None
    value: float | None
    weight: float | None
    model: str = ""


class Content(NamedTuple):
    """What a prediction says, as it is kept; what it does not say is None.

    One score lies in columns of its own, as that of most models does; several are JSON.
    """

    label: str | None = None
    value: float | None = None
    score_class: str | None = None
    score: float | None = None
    scores: str | None = None
    low: float | None = None
    high: float | None = None
    segments: str | None = None

    @property
    def classified(self) -> bool:
        """Whether it says a class, or scores of classes."""
        return not (self.label is None and self.score_class is None and self.scores is None)

    def completed(self, other: "Content") -> "Content":
        """What it says, and where it says nothing what another says; scores go together."""
        silent = self.score_class is None and self.scores is None
        scores = (other if silent else self)[2:5]
        interval = (other if self.low is None and self.high is None else self)[5:7]
        return Content(
            self.label if self.label is not None else other.label,
            self.value if self.value is not None else other.value,
            *scores,
            *interval,
            self.segments if self.segments is not None else other.segments,
        )


def class_of(known: Known, content: Content) -> str | None:
    """A truth as a class, spelled as the model spells its own.

    >>> truth = Known(0, "True", 1.0, 1.0)
    >>> [class_of(truth, Content(label)) for label in ("False", "0", "0.0")]
    ['True', '1', '1.0']
    >>> class_of(Known(0, "1", 1.0, 1.0), Content("False"))
    'True'
    """
    like = content.label if content.label is not None else content.score_class or ""
    label = known.label
    if known.value is not None and (label is None or is_numeral(like)):
        fraction = "." in like and is_numeral(like)
        label = str(known.value) if fraction else f"{known.value:.17g}"
    return label and alike(label, like)


def number_of(known: Known) -> float | None:
    """A truth as a number, if it is one."""
    if known.value is not None or known.label is None:
        return known.value
    try:
        return float(known.label)
    except ValueError:
        return None


class Row:
    """A prediction that is kept or about to be."""

    __slots__ = ("content", "filled", "id", "known", "labelled", "learned", "owner", "row", "time")

    def __init__(
        self,
        row: int | None,
        id: str,  # noqa: A002  # as the column is called
        owner: int,
        time: int,
        content: Content,
        known: Known | None,
        learned: int | None = None,
    ) -> None:
        self.learned = learned
        self.row, self.id, self.owner, self.time = row, id, owner, time
        self.content, self.known = content, known
        self.filled = self.labelled = False
