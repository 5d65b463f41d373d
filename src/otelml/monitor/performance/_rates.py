"""Rates of classes from a confusion: ratios of sums of its cells, averaged, with their errors.

A class's hits, its rows by truth and by prediction, and all rows make every rate: top / bottom. A
rate that divides by zero is not defined and takes no part in an average. The variance is that of
the infinitesimal jackknife, from the derivative of the rate by each cell (Efron, 1982); the
interval is Wilson's of as many rows as are worth that variance.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from otelml.monitor.performance.check import Better, Case, Metric, Of
from otelml.monitor.performance.interval import Value, wilson
from otelml.sketch.array import Floats
from otelml.sketch.confusion import Confusion


class Sums(NamedTuple):
    """How often a class's hits, its true and its predicted rows, and all rows count."""

    hits: int = 0
    true: int = 0
    predicted: int = 0
    all: int = 0


class Rate(NamedTuple):
    """A rate of each class."""

    top: Sums
    bottom: Sums


def rates(name: str, better: Better, top: Sums, bottom: Sums, of: Of = Of.AVERAGES) -> Metric:
    """The measure of a proportion of classes."""
    rate = Rate(top, bottom)
    return Metric(name, "1", better, of, lambda case: measure(rate, case, _proportion))


def measure(rate: Rate, case: Case, single: Callable[[float, float, float], Value]) -> Value | None:
    """The rate of the positive class, or averaged over all classes.

    `single(value, variance, rows)` makes the interval of one class's rate; `rows` stand in where
    there is no variance.
    """
    confusion = case.summary.confusion
    classes = confusion.classes
    weights, squares = confusion.matrices
    every = weights.sum()
    margins = np.stack([np.diag(weights), weights.sum(axis=1), weights.sum(axis=0)])
    parts = np.concatenate([margins, np.full((1, margins.shape[1]), every)])[:, : len(classes)]
    top, bottom = np.array(rate.top) @ parts, np.array(rate.bottom) @ parts
    if case.average == "binary":
        chosen = np.array([name == case.positive for name in classes], np.bool_)
    else:
        chosen = np.ones(len(classes), np.bool_)
    if case.average == "micro":
        top, bottom = np.full_like(top, top.sum()), np.full_like(bottom, bottom.sum())
    chosen &= bottom > 0
    if not chosen.any():
        return None
    values = np.divide(top, bottom, out=np.zeros_like(top), where=chosen)
    shares = np.where(chosen, parts[1] if case.average == "weighted" else 1.0, 0.0)
    if case.average == "micro":
        shares, total = chosen.astype(np.float64), 1.0
        value = float(values[chosen][0])
    else:
        total = float(shares.sum())
        if not total:
            return None
        value = float(shares @ values) / total
    gradient = _gradient(rate, values, np.divide(shares, total * bottom, where=chosen, out=shares))
    if case.average == "weighted":
        gradient[: len(classes)] += np.where(chosen, (values - value) / total, 0.0)[:, None]
    variance = float((squares * gradient**2).sum())
    rows = float(bottom[chosen].min() * every / squares.sum())  # weights of one size change nothing
    return (single if case.average == "binary" else _proportion)(value, variance, rows)


def _gradient(rate: Rate, values: Floats, each: Floats) -> Floats:
    """Derivative of Σ each · (top − value · bottom) by every cell, the pooled class last."""
    by = [(top - values * bottom) * each for top, bottom in zip(*rate, strict=True)]
    hits, true, predicted = (np.append(part, 0.0) for part in by[:3])
    gradient: Floats = np.diag(hits) + true[:, None] + predicted + by[3].sum()
    return gradient


def _proportion(share: float, variance: float, rows: float) -> Value:
    return wilson(share, share * (1 - share) / variance if variance > 0 else rows)


def harmonic(f1: float, variance: float, rows: float) -> Value:
    """F1 with the interval of F / (2 − F), the share of hits among rows of either kind."""
    if f1 in (0.0, 1.0):
        jaccard = wilson(f1, rows if f1 == 0 else rows / 2)
    else:
        by_f1 = 2 / (2 - f1) ** 2
        jaccard = _proportion(f1 / (2 - f1), variance * by_f1**2, math.nan)
    return Value(f1, 2 * jaccard.low / (1 + jaccard.low), 2 * jaccard.high / (1 + jaccard.high))


def right(confusion: Confusion) -> Value | None:
    """The share of right predictions."""
    total = confusion.total
    if not total.weight:
        return None
    return wilson(confusion.right / total.weight, total.weight**2 / total.squares)
