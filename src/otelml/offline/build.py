"""A file to a baseline, without a service."""

import time
from collections.abc import Callable
from pathlib import Path

from otelml.data import Baseline, Key, Model, Role, Window
from otelml.offline.layout import Layout
from otelml.offline.outcomes import summarised
from otelml.offline.profile import profile
from otelml.offline.table import DataError, columns_of, require
from otelml.sketch.probability import Probability
from otelml.wire import file


def build(
    data: Path,
    model: Model,
    layout: Layout,
    advance: Callable[[float], None] = lambda _: None,
) -> Baseline:
    """The baseline that a table makes.

    Raises:
        DataError: it cannot be read, or lacks a column, or its scores are no probabilities.

    """
    require(data, columns_of(data), layout.named())
    window = profile(data, model, layout, advance)
    if not window.sketches:
        raise DataError(f"{data}: no column is left to build from; --exclude fewer")
    _require_probabilities(data, window, layout)
    outcomes = summarised(data, layout)
    return file.baseline(
        window,
        source=data.name,
        created=time.time_ns(),
        columns=layout.told(),
        outcomes=None if outcomes is None else outcomes.dump(),
    )


def _require_probabilities(data: Path, window: Window, layout: Layout) -> None:
    if layout.score is None:
        return
    scores = window.sketches[Key(window.model, Role.SCORE)]
    column = f"{data}: column {layout.score!r} of --score"
    if not isinstance(scores, Probability):
        raise DataError(f"{column} holds no numbers; give another, or leave --score away")
    if scores.mismatched:
        raise DataError(
            f"{column} holds {scores.mismatched} of {scores.observations} values outside [0, 1]; "
            "divide percentages by 100, or leave --score away"
        )
