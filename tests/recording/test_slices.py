"""Slices of what is recorded: they add up to the whole, and are bounded."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Block, Inference, Key, Labels, Model, Role, segment
from otelml.recording.recorder import Recorder
from otelml.recording.settings import Settings
from otelml.recording.slices import MOST
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric

MODEL = Model("m")
SETTINGS = Settings(slice_columns=frozenset({"region"}))
Regions = list[str | None]


def call(regions: Regions, values: list[float]) -> Inference:
    rows = len(regions)
    columns = (
        Block(Role.FEATURE, ("age",), np.array(values, float).reshape(rows, 1)),
        Labels(Role.FEATURE, "region", tuple(regions)),
        Labels(Role.PREDICTION, "", ("yes",) * rows),
    )
    return Inference(MODEL, "predict", "sklearn", rows, 0.01, columns)


def drained(*calls: Inference, settings: Settings = SETTINGS) -> dict[Key, object]:
    recorder = Recorder(settings)
    for one in calls:
        recorder.start((MODEL, "predict", "sklearn"))
        recorder.buffer.put(one)
    return {series.key: series.sketch for series in recorder.drain()}


rows = st.tuples(st.sampled_from(["north", "south", "west"]), st.floats(-1e9, 1e9))


@given(st.lists(st.lists(rows, min_size=1, max_size=8), min_size=1, max_size=6))
def test_the_slices_of_a_column_add_up_to_the_whole(batches: list[list[tuple[str, float]]]) -> None:
    calls = [call([r for r, _ in batch], [v for _, v in batch]) for batch in batches]
    sketches = drained(*calls)
    whole = sketches[Key(MODEL, Role.FEATURE, "age")]
    parts = {
        dict(key.segment)["ml.segment.value"]: sketch
        for key, sketch in sketches.items()
        if key.role is Role.FEATURE and key.name == "age" and key.segment
    }
    counts = Counter(region for batch in batches for region, _ in batch)
    assert isinstance(whole, Numeric)
    merged = Numeric.empty()
    for region, sketch in parts.items():
        assert isinstance(sketch, Numeric)
        assert counts[region] == sketch.count
        merged = merged.merge(sketch)
    assert (whole.count, whole.minimum, whole.maximum) == (
        merged.count,
        merged.minimum,
        merged.maximum,
    )


def test_a_slice_has_its_predictions_and_not_its_own_column() -> None:
    sketches = drained(call(["north", "south", None], [1.0, 2.0, 3.0]))
    north = {
        (key.role, key.name): sketch
        for key, sketch in sketches.items()
        if segment("region", "north") == key.segment
    }
    assert {(Role.FEATURE, "age"), (Role.PREDICTION, "")} == set(north)
    classes = north[Role.PREDICTION, ""]
    assert isinstance(classes, Categories)
    assert {"yes": 1} == classes.counts


def test_nothing_is_cut_unless_it_is_asked_for() -> None:
    sketches = drained(call(["north"], [1.0]), settings=Settings())
    assert not [key for key in sketches if key.segment]


def test_slices_beyond_the_bound_are_left_out_and_counted() -> None:
    many: Regions = [f"r{i}" for i in range(MOST + 10)]
    regions = many + many[5:]  # the first five are the smallest
    sketches = drained(call(regions, [1.0] * len(regions)))
    kept = {key.segment for key in sketches if key.segment}
    dropped = [s for key, s in sketches.items() if key.role is Role.DROPPED]
    assert MOST == len(kept)
    assert not kept & {segment("region", f"r{i}") for i in range(5)}
    assert [Count(5 + 2 * 5)] == dropped


def test_numbers_that_differ_are_slices_that_differ() -> None:
    given = [1_000_003.0, 1_000_004.0, -0.0, 0.0, float(np.float32(0.1)), 0.1, np.nan]
    block = Block(Role.FEATURE, ("region",), np.array(given).reshape(-1, 1))
    beside = Labels(Role.PREDICTION, "", ("yes",) * len(given))
    sketches = drained(Inference(MODEL, "predict", "sklearn", len(given), 0.01, (block, beside)))
    told = {
        key.segment[1][1]: sketch.count
        for key, sketch in sketches.items()
        if key.segment and isinstance(sketch, Categories)
    }
    assert {"1000003": 1, "1000004": 1, "0": 2, "0.1": 2} == told
