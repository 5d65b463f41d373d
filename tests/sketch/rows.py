"""Rows of the shapes that features have, and what rows say of a drift: the oracle of sketches."""

from collections.abc import Callable

import numpy as np

from otelml.sketch.array import Floats

SHAPES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda r, n: r.normal(0, 1, n),
    "log-normal": lambda r, n: r.lognormal(0, 0.5, n),
    "pareto": lambda r, n: r.pareto(3, n) + 1,
    "ages": lambda r, n: r.integers(18, 90, n).astype(float),
    "years": lambda r, n: r.integers(1950, 2020, n).astype(float),
    "epoch seconds": lambda r, n: 1.7e9 + r.uniform(0, 86_400 * 30, n),
    "counts": lambda r, n: r.poisson(4, n).astype(float),
    "uniform": lambda r, n: r.uniform(-1, 1, n),
    "heavy tails": lambda r, n: r.standard_t(3, n),
    "bimodal": lambda r, n: r.normal(0, 1, n) + r.choice([-3, 3], n),
    "beta": lambda r, n: r.beta(0.5, 0.5, n),
}


def binned(a: Floats, b: Floats, bins: int) -> tuple[Floats, Floats]:
    """Counts of rows in as many bins at the quantiles of the first; of few values, in one each."""
    values = np.unique(a)
    quantiles = np.unique(np.quantile(a, np.arange(1, bins) / bins))
    edges = values[:-1] if len(values) <= bins else quantiles
    one, other = (
        np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1).astype(float)
        for x in (a, b)
    )
    return one, other


def psi(p: Floats, q: Floats) -> float:
    """The index of counts, smoothed by a half."""
    p, q = ((x + 0.5) / (x.sum() + 0.5 * len(x)) for x in (p, q))
    return float(((q - p) * np.log(q / p)).sum())
