"""How near statistics from sketches come to those of the rows: 11 shapes, 13 changes, three sizes.

The baseline is condensed as in a file; the window is merged from ten parts, as from ten exports.
Binned distances are those of the rows at the rows' own quantiles; scipy has the others.
"""

import sys
import time
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from otelml.monitor.comparison import Comparison, Shares
from otelml.monitor.drift import hellinger, jensen_shannon, kolmogorov_smirnov, psi, wasserstein
from otelml.sketch.align import Aligned
from otelml.sketch.array import Floats
from otelml.sketch.matrix import Matrix
from otelml.sketch.numeric import Numeric

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.sketch.rows import SHAPES, binned

Random = np.random.Generator
SIZES = [(4_000, 4_000), (4_000, 20_000), (20_000, 20_000), (100_000, 100_000)]


class Change(NamedTuple):
    """What becomes of a shape."""

    shift: float = 0.0  # in standard deviations
    scale: float = 1.0  # about the median
    upper: float = 0.0  # share of rows that come from the upper half instead

    def of(self, shape: str, random: Random, n: int) -> Floats:
        x = SHAPES[shape](random, n)
        whole, middle = bool((x == np.round(x)).all()), np.median(x)
        changed: Floats = middle + (x - middle) * self.scale + self.shift * x.std()
        more = random.random(n) < self.upper
        changed[more] = random.choice(x[x >= middle], int(more.sum()))
        return np.round(changed, 0) if whole else changed


CHANGES = [
    *(Change(shift=shift) for shift in (-0.2, 0, 0.05, 0.1, 0.2, 0.3, 0.5, 1)),
    *(Change(scale=scale) for scale in (0.8, 1.2, 1.5)),
    *(Change(upper=share) for share in (0.1, 0.3)),
]
TOLERANCES = {
    "psi": 0.01,
    "jensen_shannon": 0.005,
    "hellinger": 0.005,
    "kolmogorov_smirnov": 0.005,
    "wasserstein": 0.02,
}


def sketched(rows: Floats, parts: int) -> Numeric:
    matrix, found = Matrix(1), []
    for part in np.array_split(rows, parts):
        matrix.update(part[:, None])
        found += matrix.take()
    return reduce(Numeric.merge, found)


def shares(a: Floats, b: Floats, bins: int) -> Shares:
    before, now = binned(a, b, bins)
    return Shares.of(Aligned(before[None], now[None]), np.array([[len(a)], [len(b)]]))


def compared(a: Floats, b: Floats) -> Iterator[tuple[str, float, float]]:
    """Every statistic, from the rows and from the sketches."""
    pair = Comparison([sketched(a, 4).condensed()], [sketched(b, 10)])
    rows: Any = SimpleNamespace(ten=shares(a, b, 10), thirty=shares(a, b, 30))
    for check in (psi, jensen_shannon, hellinger):
        yield check.CHECK.name, check.measure(rows).value.item(), check.measure(pair).value.item()
    gap = stats.ks_2samp(a, b, method="asymp").statistic
    yield kolmogorov_smirnov.CHECK.name, gap, kolmogorov_smirnov.measure(pair).value.item()
    moved = wasserstein.measure(pair).value.item()
    yield wasserstein.CHECK.name, stats.wasserstein_distance(a, b) / a.std(), moved


def main() -> None:
    began = time.monotonic()
    found: dict[str, list[tuple[float, float]]] = {}
    for case in np.ndindex(len(SHAPES), len(SIZES), len(CHANGES)):
        random = np.random.default_rng(case)
        shape, (n, m), change = [*SHAPES][case[0]], SIZES[case[1]], CHANGES[case[2]]
        a, b = SHAPES[shape](random, n), change.of(shape, random, m)
        for name, exact, ours in compared(a, b):
            group = name
            if name == "psi":
                group += " < 0.25" if exact < 0.25 else " < 1" if exact < 1 else " >= 1"
            found.setdefault(group, []).append((exact, ours))
    for group, pairs in sorted(found.items()):
        off = np.abs(np.diff(pairs, axis=1))
        limit = TOLERANCES[group.split()[0]]
        print(
            f"{group}: {len(off)} comparisons, within {limit:g}: {(off <= limit).mean():.1%}; "
            f"97 % within {np.quantile(off, 0.97):.4f}, all within {off.max():.4f}"
        )
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
