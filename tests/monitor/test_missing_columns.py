"""Columns that have nothing but missing values."""

import numpy as np
import pytest

from otelml.data import Sketch, Verdict
from otelml.monitor.registry import DEFAULT, DRIFT, run
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Assembly, explode
from tests.monitor.data import window


def assembled(sketch: Sketch) -> Sketch:
    """The sketch as it is received."""
    assembly = Assembly()
    for piece in explode(sketch):
        assembly.add(piece)
    return assembly.sketch()


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (Numeric.of(np.arange(500.0)), Numeric.of(np.full(500, np.nan))),
        (Categories.of(["a", "b"] * 250), Categories.of([None] * 500)),
        (Numeric.of(np.full(500, np.nan)), Numeric.of(np.arange(500.0))),
        (Categories.of([None] * 500), Categories.of(["a", "b"] * 250)),
    ],
)
@pytest.mark.parametrize("received", [False, True])
def test_they_are_missing_and_no_drift(
    reference: Sketch, current: Sketch, *, received: bool
) -> None:
    if received:  # the wire does not say of what kind a column without values is
        reference, current = (assembled(sketch) for sketch in (reference, current))
    others = Numeric.of(np.arange(500.0))
    findings = run(
        DEFAULT,
        window({"gone": reference, "there": others}, 500),
        window({"gone": current, "there": others}, 500),
    )
    drift = {check.name for check in DRIFT}
    verdicts = {f.verdict for f in findings if f.feature == "gone" and f.check in drift}
    assert {Verdict.NOT_APPLICABLE} == verdicts
    assert any(f.feature == "there" and f.verdict is Verdict.OK for f in findings)
    if not current.count:  # type: ignore[union-attr]
        (missing,) = (f for f in findings if f.feature == "gone" and f.check == "missing")
        assert Verdict.ALARM is missing.verdict
