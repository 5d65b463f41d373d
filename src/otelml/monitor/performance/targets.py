"""The truths of a window as a sketch: drift of the target is judged by the checks of any column.

Class balance and the most frequent class are its shares; the baseline's target column is the other
side.
"""

import numpy as np

from otelml.data import Outcomes
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric


def targets(outcomes: Outcomes) -> Categories | Numeric:
    """The sketch of the truths that are known, to stand under `Role.TARGET`.

    >>> nothing = np.array([None, None], object)
    >>> targets(Outcomes(nothing, np.array(["yes", None], object), np.ones(2))).counts["yes"]
    1
    """
    if outcomes.classifies:
        return Categories.of([true for true in outcomes.truth if true is not None])
    return Numeric.of(outcomes.truth[~np.isnan(outcomes.truth)])
