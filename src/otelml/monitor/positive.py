"""The scores of the positive class, where a model with two classes may not name it."""

import numpy as np

from otelml.data import Outcomes
from otelml.sketch.array import Floats


def scores_of(outcomes: Outcomes, positive: str) -> Floats:
    """Scores of the class by row; NaN where there are none.

    A single column without a name is the positive class's.
    """
    columns = [place for place, name in enumerate(outcomes.classes) if name == positive]
    if outcomes.classes == ("",):
        columns = [0]
    if outcomes.scores is None or not columns:
        return np.full(len(outcomes.predicted), np.nan)
    return outcomes.scores[:, columns[0]]
