"""Windows with a known truth: 20 numeric and 5 categorical columns, three of which can drift."""

from collections.abc import Mapping

import numpy as np

from otelml.data import Key, Model, Role, Sketch, Window
from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric

MODEL = Model("m")
SIZES = (2, 5, 10, 50, 200)


def feature(name: str) -> Key:
    return Key(MODEL, Role.FEATURE, name)


def window(columns: Mapping[str, Sketch], rows: int) -> Window:
    return Window(MODEL, 0, 1, {feature(name): sketch for name, sketch in columns.items()}, rows)


def numbers(rng: np.random.Generator, rows: int, *, drift: bool = False) -> dict[str, Floats]:
    made = {f"n{i:02d}": rng.standard_normal(rows) for i in range(10)}
    made |= {f"n{i:02d}": rng.lognormal(0, 0.5, rows) for i in range(10, 14)}
    made |= {f"n{i:02d}": rng.uniform(-1, 1, rows) for i in range(14, 17)}
    made |= {f"n{i:02d}": rng.gamma(2, 2, rows) for i in range(17, 19)}
    made["n19"] = rng.poisson(4, rows).astype(float)
    if drift:
        made["n00"] = made["n00"] + 0.5
        made["n10"] = made["n10"] * 1.3
    return made


def shares(size: int, *, drift: bool = False) -> Floats:
    weights: Floats = 1.0 / np.arange(1, size + 1)
    if drift:
        weights[:4] = weights[3::-1].copy()
    normalised: Floats = weights / weights.sum()
    return normalised


def drawn(rng: np.random.Generator, size: int, rows: int, *, drift: bool = False) -> Categories:
    counts = rng.multinomial(rows, shares(size, drift=drift))
    return Categories.counted({f"v{i}": int(n) for i, n in enumerate(counts) if n})


def table(seed: int, rows: int, *, drift: bool = False) -> Window:
    rng = np.random.default_rng(seed)
    columns: dict[str, Sketch] = {
        name: Numeric.of(values) for name, values in numbers(rng, rows, drift=drift).items()
    }
    for i, size in enumerate(SIZES):
        columns[f"c{i}"] = drawn(rng, size, rows, drift=drift and i == 2)
    return window(columns, rows)
