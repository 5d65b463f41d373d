"""Decisions of a binary classifier on people of several groups, and of regressions."""

from collections.abc import Sequence

import numpy as np

from otelml.data import Outcomes
from otelml.sketch.array import Floats

CLASSES = ("yes",)


def classes(positive: np.ndarray) -> np.ndarray:
    return np.where(positive, "yes", "no").astype(object)


def decisions(
    seed: int = 0,
    sizes: Sequence[int] = (3000, 2000, 1000),
    *,
    unfair: float = 0.0,
    base: float = 0.4,
    weighted: bool = False,
) -> Outcomes:
    """Rows of groups g0, g1, …; `unfair` moves the scores of each up by so many logits."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rng.shuffle(groups)
    risk = rng.normal(np.log(base / (1 - base)), 1.0, len(groups))
    scores = 1 / (1 + np.exp(-risk - unfair * groups))
    happened = rng.random(len(groups)) < 1 / (1 + np.exp(-risk))
    return Outcomes(
        classes(scores > base),
        classes(happened),
        rng.integers(1, 4, len(groups)).astype(float) if weighted else np.ones(len(groups)),
        CLASSES,
        scores[:, None],
        segments={
            "group": np.array([f"g{g}" for g in groups], object),
            "sex": np.array(["f", "m"], object)[rng.integers(0, 2, len(groups))],
        },
    )


def scored(scores: Floats, happened: np.ndarray, cut: float = 0.5) -> Outcomes:
    """A binary classifier's rows."""
    return Outcomes(
        classes(scores > cut), classes(happened), np.ones(len(scores)), CLASSES, scores[:, None]
    )


def estimated(values: Floats, truth: Floats) -> Outcomes:
    """A regression's rows."""
    return Outcomes(values, truth, np.ones(len(values)))
