"""Columns into sketches: what is of one key is folded together, a whole matrix at a time."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import compress
from typing import Final

import numpy as np

from otelml.data import Block, Key, Labels, Model, Role, Sketch
from otelml.sketch.categories import OTHER, Categories
from otelml.sketch.count import Count
from otelml.sketch.kind import as_kind
from otelml.sketch.matrix import Matrix
from otelml.sketch.probability import Probability

_Names = tuple[str, ...]
_Labels = tuple[tuple[str, str], ...]
_Group = tuple[Model, Role, _Names, _Labels]
_MODELS: Final = 1_000
"""Models of a process; others are counted together."""
_FEATURES: Final = 10_000
"""Features of all models, at some 27 KiB each in sketches and the streams made of them."""
_OTHERS: Final = Model(OTHER)
_LAYOUTS: Final = 8192
"""Columns of which the layout is remembered, at 5 KiB each."""
_ENOUGH: Final = 64
"""Values after which a column stays of the kind that most of them are."""

_logger = logging.getLogger(__name__)


class Gathered:
    """Columns of calls, put together by what they are of; models are told apart by identity."""

    def __init__(self) -> None:
        self.blocks: dict[tuple[int, Role, int, _Labels], list[Block]] = {}
        self.texts: dict[tuple[int, Role, str], list[Labels]] = {}
        self.models: dict[int, Model] = {}

    def add(self, model: Model, columns: Iterable[Block | Labels]) -> None:
        """Add the columns of a call, or of several alike."""
        number = id(model)
        self.models[number] = model
        for column in columns:
            if isinstance(column, Block):
                where = number, column.role, id(column.names), column.labels
                try:
                    self.blocks[where].append(column)
                except KeyError:
                    self.blocks[where] = [column]
            else:
                self.texts.setdefault((number, column.role, column.name), []).append(column)


class Sketches:
    """The sketches of what was recorded since they were last taken.

    A column is of the kind that most of its first values are, and stays so. A model has `most`
    features, those that came first: names may come from whoever calls the app. So may those of
    models: the calls of one too many are counted as `_OTHER`'s, and its columns left out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._models: set[Model] = set()
        self._features: defaultdict[Model, set[str]] = defaultdict(set)
        self._room = _FEATURES
        self._kinds: dict[Key, type[Sketch]] = {}
        self._votes: dict[Key, Counter[type[Sketch]]] = {}  # of columns that may change their kind
        self.forget()

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._matrices: dict[_Group, Matrix] = {}
        self._folded: dict[_Group, Counter[str]] = {}  # mismatched values, by column
        self._held: dict[Key, Sketch] = {}

    def take(self) -> Mapping[Key, Sketch]:
        """The sketches; from then on there are none."""
        held, self._held = self._held, {}
        return held

    def known(self, model: Model) -> Model:
        """The model, or `_OTHER` if there are too many."""
        if model not in self._models and len(self._models) < _MODELS:
            self._models.add(model)
            if len(self._models) == _MODELS:
                _logger.warning("%d models: further ones are recorded as %s", _MODELS, OTHER)
        return model if model in self._models else _OTHERS

    def add(self, key: Key, sketch: Sketch) -> None:
        """Merge a sketch into that of its key."""
        key = key._replace(model=self.known(key.model))
        kind = self._kind(key, sketch)
        sketch = as_kind(sketch, kind)
        held = self._held.get(key)
        if held is not None:
            sketch = as_kind(held, kind).merge(sketch)  # type: ignore[arg-type]
        self._held[key] = sketch

    def _kind(self, key: Key, sketch: Sketch) -> type[Sketch]:
        """Of what kind a series is, of which this comes next."""
        if isinstance(sketch, Count):
            return Count
        if key in self._kinds and key not in self._votes:
            return self._kinds[key]
        votes = self._votes.setdefault(key, Counter())
        votes[type(sketch)] += sketch.count
        kind = self._kinds[key] = max(votes, key=votes.__getitem__)
        return kind

    def fold(self, gathered: Gathered, of: _Labels = ()) -> None:
        """Fold columns, until they are settled; `of` says of which slice they are."""
        for (number, role, name), parts in gathered.texts.items():
            model = gathered.models[number]
            if self._has_room(model, role, name):
                self.add(Key(model, role, name, of), _categories(parts))
        groups: dict[_Group, list[Block]] = defaultdict(list)
        for (number, role, _, labels), blocks in gathered.blocks.items():
            groups[gathered.models[number], role, blocks[0].names, labels + of] += blocks
        for columns_alike, blocks in groups.items():
            self._fold_blocks(columns_alike, blocks)

    def _has_room(self, model: Model, role: Role, name: str) -> bool:
        """Whether a column is to be kept: any but a feature too many, or of a model too many."""
        if self.known(model) is not model:
            return False
        if role is not Role.FEATURE:
            return True
        known = self._features[model]
        if name not in known and len(known) < self._most and self._room:
            known.add(name)
            self._room -= 1
        return name in known

    def _fold_blocks(self, group: _Group, blocks: list[Block]) -> None:
        model, role, columns, labels = group
        parts = [block.values for block in blocks]
        values = np.concatenate(parts) if len(parts) > 1 else parts[0]
        kept = [self._has_room(model, role, name) for name in columns]
        if not any(kept):
            return
        if not all(kept):
            columns = tuple(compress(columns, kept))
            group, values = (model, role, columns, labels), values[:, kept]
        if role in (Role.SCORE, Role.CONFIDENCE):
            for name, column in zip(columns, values.T, strict=True):
                self.add(Key(model, role, name, labels), Probability.of(column))
            return
        if group not in self._matrices:
            self._matrices[group] = Matrix(len(columns))
        self._matrices[group].update(values)
        mismatched = self._folded.setdefault(group, Counter())
        for block in blocks:
            if block.mismatched:
                mismatched.update(block.mismatched)

    def settle(self) -> None:
        """Add what was folded to the sketches of its keys."""
        folded, self._folded = self._folded, {}
        for group, mismatched in folded.items():
            model, role, columns, labels = group
            for name, sketch in zip(columns, self._matrices[group].take(), strict=True):
                key = Key(model, role, name, labels)
                self.add(key, sketch.with_mismatched(mismatched[name]))
        for key in [key for key, votes in self._votes.items() if votes.total() >= _ENOUGH]:
            del self._votes[key]
        if sum(matrix.columns for matrix in self._matrices.values()) > _LAYOUTS:
            self._matrices.clear()  # each is but a layout between two folds


def _categories(parts: list[Labels]) -> Categories:
    """The sketch of labels; those without a name of their own are pooled as they are later."""
    counts = Counter(value for part in parts for value in part.values)
    missing, other = counts.pop(None, 0), counts.pop(OTHER, 0)
    named = {name: n for name, n in counts.items() if name is not None}
    return Categories.counted(named, other, missing)
