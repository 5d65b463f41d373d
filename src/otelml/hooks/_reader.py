"""How one framework's calls are read: the part of a hook that differs from framework to framework.

A reader says what it knows of a model (its `Card`), and what columns go in and come out of a call.
"""

import sys
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from otelml import names
from otelml.data import Block, Labels, Model, Role
from otelml.hooks._patch import process
from otelml.recording.columns import as_array, features, labels, rows, table
from otelml.recording.naming import REGISTRY

Column = Block | Labels
MOST_OUTPUTS: Final = 64
"""Outputs of a model that are recorded one by one."""


class Card(NamedTuple):
    """What a reader knows of a model: constant from one training to the next.

    `facts` is the reader's own: classes, names of outputs.
    """

    model: Model
    framework: str
    framework_version: str
    features: tuple[str, ...] | None = None
    task: str | None = None
    facts: Any = None


class Reader(ABC):
    """Reads the calls of one framework's models."""

    framework: ClassVar[str]
    system: ClassVar[str | None] = None  # the serving system, where the framework is one
    parameter: ClassVar[str] = "X"  # name of the data among the arguments, if it is not the first
    telling: ClassVar[frozenset[str] | None] = None
    """Operations within a call that tell of its result too; calls without them may be read many as
    one, where arrays are read row by row. None if they are not, or not from the first argument."""

    def __init__(self) -> None:
        self._cards: dict[int, tuple[weakref.ref[Any], Card]] = {}
        REGISTRY.listen(self.forget)

    @abstractmethod
    def describe(self, instance: Any, data: Any) -> Card:
        """What is known of a model, read on first sight."""

    @abstractmethod
    def outputs(self, card: Card, call: Any, result: Any) -> Iterator[Column]:
        """Predictions, scores and confidences of a call."""

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The input, among the arguments of a call."""
        return args[0] if args else kwargs.get(self.parameter)

    def rows(self, data: Any) -> int:
        """How many rows the input has; 0 if only the result can tell."""
        return rows(data)

    def returned(self, result: Any) -> int:
        """How many rows a result has, where the input does not say; one if neither does."""
        says = hasattr(result, "__len__") and not isinstance(result, Mapping)
        return rows(result) or int(not says)

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        """The features of a call."""
        settings = process().settings
        return features(data, card.features, settings.exclude_features, settings.max_features)

    def card(self, instance: Any, data: Any) -> Card:
        """What is known of a model, remembered by identity: nothing is set on it."""
        known = self._cards.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        card = self.describe(instance, data)
        identity = id(instance)
        try:
            reference = weakref.ref(instance, lambda _: self._cards.pop(identity, None))
        except TypeError:
            return card
        self._cards[identity] = reference, card
        return card

    def forget(self, instance: Any) -> None:
        """The model is trained, loaded or named anew."""
        self._cards.pop(id(instance), None)

    def unfitted(self, instance: Any, card: Card) -> None:
        """The model was called too early: what it will be is not known, and its name is free."""
        self.forget(instance)
        REGISTRY.release(card.model, _schema(card.features, card.task))


def named(
    model: object, fallback: str, columns: tuple[str, ...] | None, task: str | None = None
) -> Model:
    """What to call a model; those of one name that differ in features or task are told apart."""
    return REGISTRY.find(model, fallback, _schema(columns, task), process().settings)


def _schema(columns: tuple[str, ...] | None, task: str | None) -> tuple[str, ...]:
    return (*(columns or ()), task or "")


@cache
def version_of(name: str) -> str:
    """Version of a module that is imported, or of a distribution; empty if neither tells."""
    told = getattr(sys.modules.get(name), "__version__", None)
    if told is None:
        try:
            told = version(name)
        except PackageNotFoundError:
            told = ""
    return str(told)


def task_of(classes: Any, *, regressor: bool = False) -> str | None:
    """The task that a list of classes, or their absence, tells of."""
    if classes is not None and not isinstance(classes, list):
        return "binary_classification" if len(classes) == 2 else "multiclass_classification"
    return "regression" if regressor else None


def numeric(values: Any, name: str = "") -> Block:
    """A column of predicted numbers."""
    column = np.asarray(values).reshape(-1, 1)
    return Block(Role.PREDICTION, (name,), np.array(column, np.float64))


def margin(values: Any) -> Block:
    """A column of what boosters choose by, before it is a prediction; of several, the highest."""
    given = np.asarray(values)
    return numeric(given if given.ndim == 1 else given.max(axis=1), "margin")


def classified(values: Any, name: str = "") -> Labels:
    """A column of predicted classes."""
    return Labels(Role.PREDICTION, name, tuple(labels(values)))


def probabilities(
    matrix: Any, classes: Any, name: str = "", *, classes_too: bool
) -> Iterator[Column]:
    """Confidence and scores of a matrix of class probabilities of shape (rows, classes).

    Of two classes the score is the second one's; of more, each one's. `classes_too` adds the most
    probable class, for calls that do not return it themselves.
    """
    values = np.asarray(matrix, np.float64)
    if values.ndim != 2 or not values.size:
        return
    width = values.shape[1]
    known = classes if classes is not None and len(classes) == width else None
    highest = values.max(axis=1, keepdims=True)
    yield Block(Role.CONFIDENCE, (name,), highest)
    if width == 2:
        positive = None if known is None else known[1]
        yield Block(Role.SCORE, (name,), values[:, 1:].copy(), positive=positive)
    elif known is not None:
        for label, scores in zip(labels(known)[:64], values.T, strict=False):
            told = ((names.PREDICTION_CLASS, str(label)),)
            yield Block(Role.SCORE, (name,), scores.reshape(-1, 1).copy(), labels=told)
    if classes_too and known is not None:
        chosen = np.asarray(known)[values.argmax(axis=1)]
        absent = np.isnan(highest[:, 0])
        if np.count_nonzero(absent):
            chosen = np.where(absent, None, chosen)
        yield classified(chosen, name)


def positives(scores: Any, classes: Any, name: str = "", *, classes_too: bool) -> Iterator[Column]:
    """The same of the probabilities of the second of two classes alone, of shape (rows,)."""
    values = np.asarray(scores, np.float64).ravel()
    both = np.column_stack([1 - values, values])
    yield from probabilities(both, classes, name, classes_too=classes_too)


def tensor(values: Any, name: str = "", classes: Any = None) -> Iterator[Column]:
    """Columns of a network's output of shape (rows, …), of which nothing is known but the values.

    Rows that are a distribution are probabilities; other outputs are numbers, if they are few.
    """
    array = as_array(values)
    if array.dtype.kind not in "fiub" or array.ndim > 2 or array.shape[1] > MOST_OUTPUTS:
        return
    if array.shape[1] == 1:
        yield numeric(array, name)
    elif (array >= 0).all() and np.allclose(array.sum(axis=1), 1, atol=1e-3):
        known = np.arange(array.shape[1]) if classes is None else classes
        yield from probabilities(array, known, name, classes_too=True)
    else:
        for number, column in enumerate(array.T):
            yield numeric(column, f"{name}_{number}".lstrip("_"))


def fed(tensors: Mapping[str, Any]) -> tuple[Column, ...]:
    """Features of inputs by name: the columns of a single one, or a column of each."""
    settings = process().settings
    if len(tensors) == 1:
        (values,) = tensors.values()
        return features(values, None, settings.exclude_features, settings.max_features)
    return table(tensors, settings.exclude_features, settings.max_features)


def answered(outputs: Mapping[str, Any]) -> Iterator[Column]:
    """Columns of outputs by name, of which nothing is known but the values."""
    for name, values in outputs.items():
        array = as_array(values)
        told = name if len(outputs) > 1 else ""
        if array.dtype.kind == "f":
            yield from tensor(array, told)
        else:
            yield classified(array.ravel(), told)
