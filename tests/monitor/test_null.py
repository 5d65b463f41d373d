"""A thousand windows without drift raise no alarm."""

import numpy as np

from otelml.data import Sketch, Verdict
from otelml.monitor.registry import DEFAULT, run
from otelml.sketch.matrix import Matrix
from tests.monitor.data import drawn, numbers, window

WINDOWS, WIDE = 1000, 4
SIZES = np.resize(np.unique(np.geomspace(2, 200, 20).astype(int)), 20)


def undrifted(rng: np.random.Generator, rows: int, *, capped: bool) -> dict[str, Sketch]:
    """80 numeric features and 20 of 2 to 200 categories."""
    columns: dict[str, Sketch] = {}
    for copy in range(WIDE):
        made = numbers(rng, rows)
        matrix = Matrix(len(made))
        matrix.update(np.stack([*made.values()]).T)
        columns |= {f"{name}.{copy}": s for name, s in zip(made, matrix.take(), strict=True)}
    for i, size in enumerate(SIZES):
        sketch = drawn(rng, int(size), rows)
        columns[f"c{i}"] = sketch.capped(64) if capped else sketch
    return columns


def test_a_thousand_windows_without_drift_raise_no_alarm() -> None:
    rng = np.random.default_rng(20261121)
    baseline = window(undrifted(rng, 50_000, capped=False), 50_000)
    alarms = []
    for _ in range(WINDOWS):
        rows = int(np.exp(rng.uniform(np.log(200), np.log(20_000))))
        findings = run(DEFAULT, baseline, window(undrifted(rng, rows, capped=True), rows))
        alarms += [(rows, f.check, f.feature) for f in findings if f.verdict is Verdict.ALARM]
    assert [] == alarms
