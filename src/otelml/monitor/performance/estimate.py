"""Performance before labels come: what is expected of calibrated scores.

Confidence-based performance estimation (NannyML's CBPE): a score of calibrated probability p is of
the class with probability p, and so the window's scores have an expected confusion, ROC curve and
losses. The estimate is a `Summary` of expected counts: every measure of outcomes is one of it, with
the interval that the outcomes of so many rows would have. It holds as long as the frequency of the
class given the score stays what it was; where that drifts, only labels tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from otelml import names
from otelml.data import Finding
from otelml.monitor.performance.calibration import Calibration
from otelml.monitor.performance.summary import Summary
from otelml.sketch.array import Floats
from otelml.sketch.categories import OTHER, Categories
from otelml.sketch.confusion import Cell, Confusion
from otelml.sketch.distribution import Distribution
from otelml.sketch.scores import Scores
from otelml.sketch.weighted import Weighted

THRESHOLD: Final = 0.5
_PARTS: Final = 8
"""Parts of a bucket of the sketch, which is linear inside."""

_EPSILON: Final = float(np.finfo(np.float64).eps)


class Expected(NamedTuple):
    """Masses of a window's scores, ascending, and the probability that each is of the class."""

    score: Floats
    mass: Floats
    probability: Floats


def expect(calibration: Calibration, scores: Distribution) -> Expected:
    """What the scores of a window lead to expect.

    Inside a bucket of the sketch they lie as the baseline's do; evenly, where it has none.
    """
    edges, below = scores.cumulative()
    mass = np.diff(below)
    slot = np.searchsorted(edges, calibration.seen, side="left") - 1
    inside = (slot >= 0) & (slot < mass.size)
    slot, seen, weight = slot[inside], calibration.seen[inside], calibration.mass[inside]
    known = np.bincount(slot, weight, minlength=mass.size)
    alike = weight / known[slot] * mass[slot]
    steps = (np.arange(_PARTS) + 0.5) / _PARTS
    unseen = known == 0
    even = (edges[:-1, None] + np.diff(edges)[:, None] * steps)[unseen]
    score = np.concatenate([seen, even.ravel()])
    masses = np.concatenate([alike, np.repeat(mass[unseen] / _PARTS, _PARTS)])
    order = np.argsort(score, kind="stable")
    order = order[masses[order] > 0]
    return Expected(score[order], masses[order], calibration.probability(score[order]))


def estimate(
    reference: Summary,
    calibrations: Mapping[str, Calibration],
    scores: Mapping[str, Distribution],
    predictions: Categories | None = None,
    threshold: float = THRESHOLD,
) -> Summary:
    """The expected summary of a window without labels.

    Args:
        reference: The baseline's summary, for the names of classes.
        calibrations: By class, learnt from the baseline.
        scores: Sketches of the window's scores, by class; of two classes the positive one's alone.
        predictions: The window's predicted classes: the scores above are those of as many rows as
            were predicted positive. Without them a score from `threshold` on is.
        threshold: Least score that predicts the positive class.

    """
    expected = {
        name: expect(calibrations[name], sketch)
        for name, sketch in scores.items()
        if name in calibrations and sketch.count
    }
    if not expected:
        return Summary()
    rows = max(round(float(found.mass.sum())) for found in expected.values())
    curves = MappingProxyType({name: _scores(found) for name, found in expected.items()})
    if len(expected) > 1:
        return Summary(rows, scores=curves)
    ((positive, found),) = expected.items()
    rest = [name for name in reference.confusion.classes if name != positive]
    confusion = _confusion(found, positive, (*rest, OTHER)[0], predictions, threshold)
    if not curves[positive].are_probabilities:
        return Summary(rows, confusion, curves)
    return Summary(rows, confusion, curves, *_losses(found))


def _scores(expected: Expected) -> Scores:
    _, mass, p = expected
    of_class = np.ones(mass.shape, np.bool_)
    hits = Scores.of(expected.score, of_class, mass * p)
    curve = hits.merge(Scores.of(expected.score, ~of_class, mass * (1 - p)))
    return replace(curve, squares=curve.weights)


def _confusion(
    expected: Expected,
    positive: str,
    negative: str,
    predictions: Categories | None,
    threshold: float,
) -> Confusion:
    total = float(expected.mass.sum())
    if predictions is not None and predictions.count:
        flagged = predictions.counts.get(positive, 0) / predictions.count * total
        above = np.cumsum(expected.mass[::-1])[::-1]
        part = np.clip(flagged - (above - expected.mass), 0.0, expected.mass)
    else:
        part = np.where(expected.score >= threshold, expected.mass, 0.0)
    rest, p = expected.mass - part, expected.probability
    masses = {
        (positive, positive): float(part @ p),
        (negative, positive): float(part @ (1 - p)),
        (positive, negative): float(rest @ p),
        (negative, negative): float(rest @ (1 - p)),
    }
    return Confusion(
        MappingProxyType({pair: Cell(m, m) for pair, m in sorted(masses.items()) if m > 0})
    )


def _losses(expected: Expected) -> tuple[Weighted, Weighted]:
    score, mass, p = expected
    clipped = np.clip(score, _EPSILON, 1 - _EPSILON)
    weights = np.concatenate([mass * p, mass * (1 - p)])
    logs = Weighted.of(-np.log(np.concatenate([clipped, 1 - clipped])), weights)
    brier = Weighted.of(np.concatenate([(1 - score) ** 2, score**2]), weights)
    return replace(logs, squares=logs.weight), replace(brier, squares=brier.weight)


class Miss(NamedTuple):
    """How far an estimate was from what labels said later; `error` is estimated minus realised."""

    check: str
    labels: tuple[tuple[str, str], ...]
    estimated: float
    realised: float

    @property
    def error(self) -> float:
        """Estimated minus realised."""
        return self.estimated - self.realised


def misses(estimated: Sequence[Finding], realised: Sequence[Finding]) -> list[Miss]:
    """The errors of a window's estimates, where labels have come; labels are without the source."""

    def about(finding: Finding) -> tuple[str, tuple[tuple[str, str], ...]]:
        told = (label for label in finding.labels if label[0] != names.PERFORMANCE_SOURCE)
        return finding.check, tuple(told)

    values = {about(f): f.value for f in realised if f.value is not None}
    return [
        Miss(*about(f), f.value, values[about(f)])
        for f in estimated
        if f.value is not None and about(f) in values
    ]
