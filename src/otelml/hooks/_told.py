"""What an app tells of a model call that no hook covers, and how it is read."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from otelml.data import Model
from otelml.hooks._call import Call
from otelml.hooks._reader import (
    Card,
    Column,
    Reader,
    classified,
    named,
    numeric,
    positives,
    probabilities,
)
from otelml.wire.rows import encodable


class Told(NamedTuple):
    """What an app says that its model returned."""

    prediction: Any
    probabilities: Any
    interval: Any = None


class Asked(NamedTuple):
    """What an app says of the model that it calls."""

    model: Any
    version: str | None
    framework: str
    task: str | None
    names: tuple[str, ...] | None
    classes: Sequence[Any] | None


class ToldReader(Reader):
    framework = "custom"

    def describe(self, instance: Any, data: Any) -> Card:
        asked: Asked = instance
        if isinstance(asked.model, str):
            version = None if asked.version is None else str(asked.version)
            model = Model(*encodable([asked.model, version]))
        else:
            model = named(asked.model, type(asked.model).__name__, asked.names, asked.task)
        columns = asked.names or tuple(map(str, getattr(data, "columns", ()))) or None
        return Card(model, asked.framework, "", columns, asked.task, asked.classes)

    def card(self, instance: Any, data: Any) -> Card:
        return self.describe(instance, data)

    def rows(self, data: Any) -> int:
        return 0 if data is None else super().rows(data)

    def returned(self, result: Any) -> int:
        told: Told = result
        shown = told.probabilities if told.prediction is None else told.prediction
        return super().returned(shown)

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        return () if data is None else super().inputs(card, data)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        told: Told = result if isinstance(result, Told) else Told(result, None)
        if told.prediction is not None:
            values = np.atleast_1d(np.asarray(told.prediction))
            as_number = values.dtype.kind == "f" or card.task == "regression"
            yield numeric(values) if as_number else classified(values.ravel())
        if told.probabilities is not None:
            given = np.asarray(told.probabilities, np.float64)
            too = told.prediction is None
            if given.ndim == 2:
                yield from probabilities(given, card.facts, classes_too=too)
            else:
                yield from positives(given, card.facts, classes_too=too)
        if told.interval is not None:
            low, high = (np.atleast_1d(np.asarray(end, np.float64)) for end in told.interval)
            call.intervals = np.stack(np.broadcast_arrays(low, high), axis=1)
