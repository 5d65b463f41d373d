"""Drift of slices: nothing without drift, and what moved in one slice is found in that one."""

import numpy as np

from otelml.data import Key, Role, Sketch, Verdict, Window, segment
from otelml.monitor.registry import DEFAULT, run
from otelml.monitor.sliced import chosen, rows, slices, whole
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from tests.monitor.data import MODEL

REGIONS = tuple(f"r{i:02d}" for i in range(20))


def window(seed: int, each: int, moved: str | None = None) -> Window:
    """Twenty slices of two numbers and a category, and all of their rows."""
    rng = np.random.default_rng(seed)
    sketches: dict[Key, Sketch] = {}

    def add(name: str, region: str, sketch: Numeric | Categories) -> None:
        sketches[Key(MODEL, Role.FEATURE, name, segment("region", region))] = sketch
        key = Key(MODEL, Role.FEATURE, name)
        held = sketches.get(key)
        sketches[key] = sketch if held is None else held.merge(sketch)  # type: ignore[arg-type]

    for place, region in enumerate(REGIONS):
        shift = 0.8 if region == moved else 0.0
        add("age", region, Numeric.of(rng.normal(place / 10 + shift, 1, each)))
        add("fee", region, Numeric.of(rng.lognormal(0, 0.5, each)))
        add("job", region, Categories.of(rng.choice(["a", "b", "c"], each).tolist()))
    return Window(MODEL, 0, 1, sketches, each * len(REGIONS))


BASELINE = window(0, 5000)


def alarms(found: Window) -> set[tuple[str | None, tuple[tuple[str, str], ...]]]:
    findings = run(DEFAULT, BASELINE, found)
    return {(f.feature, f.labels) for f in findings if f.verdict is Verdict.ALARM}


def test_slices_without_drift_raise_no_alarm() -> None:
    sizes = np.geomspace(200, 2000, 100).astype(int)
    assert [set()] * 100 == [alarms(window(seed, int(n))) for seed, n in enumerate(sizes, 1)]


def test_what_moved_in_one_slice_is_found_there_and_nowhere_else() -> None:
    assert {("age", segment("region", "r07"))} == alarms(window(1, 1000, moved="r07"))


def test_a_slice_that_differs_from_the_others_is_no_drift() -> None:
    """The last slice's mean is nearly two deviations above the first's, as in the baseline."""
    assert set() == alarms(window(2, 1000))


def test_a_slice_that_the_baseline_lacks_is_said_to_have_none() -> None:
    known = {
        k: s for k, s in BASELINE.sketches.items() if ("ml.segment.value", "r03") not in k.labels
    }
    before = Window(MODEL, 0, 1, known, BASELINE.rows)
    found = run(DEFAULT, before, window(3, 500))
    (blind,) = [f for f in found if f.verdict is Verdict.NO_BASELINE]
    assert (segment("region", "r03"), 500) == (blind.labels, blind.samples)
    assert not [f for f in found if f.check == "extra_feature"]


def test_thin_slices_get_no_verdict() -> None:
    found = [f for f in run(DEFAULT, BASELINE, window(4, 50, moved="r07")) if f.labels]
    assert {Verdict.TOO_LITTLE_DATA} == {f.verdict for f in found}


def test_the_slices_with_the_most_rows_are_chosen() -> None:
    both = window(5, 100)
    small = {
        k: s for k, s in window(6, 20).sketches.items() if k.segment == segment("region", "r00")
    }
    held = chosen(Window(MODEL, 0, 1, {**both.sketches, **small}, 2000), {"region"}, 19)
    assert {segment("region", region) for region in REGIONS[1:]} == set(rows(held))
    assert {} == rows(chosen(both, {"device"}, 50))


def test_whole_and_slices_are_all_there_is() -> None:
    assert BASELINE.sketches == {**whole(BASELINE).sketches, **slices(BASELINE).sketches}
