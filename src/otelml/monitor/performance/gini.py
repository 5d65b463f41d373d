"""Gini coefficient of a score: 2 AUC − 1, with the interval of the area."""

from otelml.monitor.performance._curves import of_scores
from otelml.monitor.performance.check import Better
from otelml.monitor.performance.interval import Value
from otelml.monitor.performance.roc_auc import area
from otelml.sketch.scores import Scores


def _gini(scores: Scores) -> Value | None:
    found = area(scores)
    return Value(*(2 * part - 1 for part in found)) if found else None


METRIC = of_scores("gini", Better.HIGHER, _gini)
