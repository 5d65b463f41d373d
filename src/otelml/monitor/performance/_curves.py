"""Measures of scores: of the positive class, or the mean over every class against the rest."""

import math
from collections.abc import Callable

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value
from otelml.sketch.scores import Scores


def of_scores(name: str, better: Better, measure: Callable[[Scores], Value | None]) -> Metric:
    """The measure of scores; classes that it is not defined of take no part in the mean.

    The interval of a mean is that of a sum of parts with errors of their own (Zou & Donner, 2008),
    taken to rise and fall together, which is safe.
    """
    return Metric(name, "1", better, Of.SCORES, lambda case: _mean(case, measure))


def _mean(case: Case, measure: Callable[[Scores], Value | None]) -> Value | None:
    scores = case.summary.scores
    if case.positive is not None:
        return measure(scores[case.positive]) if case.positive in scores else None
    values = [value for value in map(measure, scores.values()) if value is not None]
    if not values:
        return None
    value, low, high = (math.fsum(part) / len(values) for part in zip(*values, strict=True))
    return Value(value, low, high)
