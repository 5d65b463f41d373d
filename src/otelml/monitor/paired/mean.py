"""Mean of a difference on the same rows, tested by the paired t (Student, 1908)."""

import numpy as np
from scipy import special

from otelml.data import Outcomes
from otelml.sketch.moments import Moments


def scores(champion: Outcomes, challenger: Outcomes) -> dict[str, Moments]:
    """The challenger's scores less the champion's, by the classes that both have."""
    if champion.scores is None or challenger.scores is None:
        return {}
    return {
        name: _finite(
            challenger.scores[:, challenger.classes.index(name)]
            - champion.scores[:, champion.classes.index(name)]
        )
        for name in champion.classes
        if name in challenger.classes
    }


def errors(champion: Outcomes, challenger: Outcomes) -> tuple[Moments, Moments]:
    """Absolute errors: the challenger's less the champion's, and the champion's."""
    one, other = (np.abs(o.predicted - champion.truth) for o in (champion, challenger))
    return _finite(other - one), _finite(np.where(np.isfinite(other), one, np.nan))


def _finite(values: np.ndarray) -> Moments:
    return Moments.of(values[np.isfinite(values)])


def p_value(moments: Moments) -> float:
    """Two-sided p-value of a mean of 0; of two values or more."""
    error = _error(moments)
    if not error:
        return 0.0 if moments.mean else 1.0
    return float(2 * special.stdtr(moments.count - 1, -abs(moments.mean) / error))


def interval(moments: Moments, level: float) -> tuple[float, float]:
    """Student's interval of the mean; of two values or more."""
    half = -float(special.stdtrit(moments.count - 1, level / 2)) * _error(moments)
    return moments.mean - half, moments.mean + half


def _error(moments: Moments) -> float:
    """Standard error of the mean."""
    return float((moments.variance / (moments.count - 1)) ** 0.5)
