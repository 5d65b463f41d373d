"""Baselines survive the disk, and only the disk: what was changed is refused."""

import gzip
import json
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from otelml.data import Baseline, Key, Model, Role, Sketch, Window
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.exponential import Exponential
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability
from otelml.wire import file

MINUTE = 60_000_000_000
MODEL = Model("fraud", "3")


def window(seed: int = 0, rows: int = 500) -> Window:
    random = np.random.default_rng(seed)
    age = random.normal(1000, 1, rows)
    age[:3] = np.nan, np.inf, 1.0
    labels = (("ml.prediction.class", "yes"),)
    sketches: dict[Key, Sketch] = {
        Key(MODEL, Role.FEATURE, "age"): Numeric.of(age),
        Key(MODEL, Role.FEATURE, "seconds"): Numeric.of(1e9 + random.random(rows)),
        Key(MODEL, Role.FEATURE, "plan"): Categories.of([*"abcab", None]),
        Key(MODEL, Role.FEATURE, "empty"): Categories.of([None, None]),
        Key(MODEL, Role.SCORE, labels=labels): Probability.of(random.random(rows)),
        Key(MODEL, Role.PREDICTIONS, "predict"): Count(rows),
    }
    return Window(MODEL, MINUTE, 6 * MINUTE, MappingProxyType(sketches), rows)


def baseline(**changes: Any) -> Baseline:
    return file.baseline(window(**changes), source="train.csv", created=1_700_000_000_123_456_789)


def same(one: Sketch, other: Sketch) -> bool:
    if not isinstance(one, Numeric) or not isinstance(other, Numeric):
        return one == other
    exact = (
        one.missing == other.missing
        and one.non_finite == other.non_finite
        and histograms(one.body, other.body)
        and histograms(one.tail, other.tail)
    )
    close = np.allclose(
        [one.mean, one.variance], [other.mean, other.variance], rtol=1e-12, equal_nan=True
    )
    return exact and bool(close)


def histograms(one: Exponential, other: Exponential) -> bool:
    return bool(
        (not one.count and not other.count)
        or (one.scale, one.zeros, one.positive, one.negative, one.origin)
        == (other.scale, other.zeros, other.positive, other.negative, other.origin)
    )


def test_a_baseline_survives_the_disk(tmp_path: Path) -> None:
    kept = baseline()
    file.write(tmp_path / "b.json", kept)
    found = file.read(tmp_path / "b.json")
    assert (kept.id, kept.model, kept.rows, kept.source, kept.created, dict(kept.schema)) == (
        found.id,
        found.model,
        found.rows,
        found.source,
        found.created,
        dict(found.schema),
    )
    assert kept.window.sketches.keys() == found.window.sketches.keys()
    for key, sketch in kept.window.sketches.items():
        assert same(sketch, found.window.sketches[key]), key
    assert (MINUTE, 6 * MINUTE) == (found.window.start, found.window.end)
    assert ["b.json"] == [path.name for path in tmp_path.iterdir()]


def test_a_file_written_again_keeps_its_id(tmp_path: Path) -> None:
    kept = baseline()
    file.write(tmp_path / "a.json", kept)
    file.write(tmp_path / "b.json", file.read(tmp_path / "a.json"))
    assert kept.id == file.read(tmp_path / "b.json").id


def test_it_is_otlp_json(tmp_path: Path) -> None:
    file.write(tmp_path / "b.json", baseline())
    document = json.loads((tmp_path / "b.json").read_text())
    metrics = document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    values = next(m for m in metrics if m["name"] == "ml.feature.value")["exponentialHistogram"]
    assert 1 == values["aggregationTemporality"]
    point = values["dataPoints"][0]
    assert isinstance(point["timeUnixNano"], str)
    assert isinstance(point["positive"]["bucketCounts"][0], str)


def test_a_baseline_of_25_features_is_small() -> None:
    random = np.random.default_rng(0)
    sketches: dict[Key, Sketch] = {
        Key(MODEL, Role.FEATURE, f"n{i:02}"): Numeric.of(random.normal(0, 1, 50_000))
        for i in range(20)
    }
    for i, size in enumerate((2, 5, 10, 50, 200)):
        names = [f"v{value}" for value in random.integers(0, size, 50_000)]
        sketches[Key(MODEL, Role.FEATURE, f"c{i}")] = Categories.of(names)
    start, end = 1_795_250_112_435_789_342, 1_795_250_112_650_960_266
    whole = file.baseline(Window(MODEL, start, end, sketches, 50_000), source="", created=0)
    assert len(gzip.compress(file.dumps(whole).encode())) < 10_000


def test_what_is_read_and_written_stays_the_same() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        mean, deviation, rows = 10 ** random.uniform(-9, 9), 10 ** random.uniform(-9, 3), seed + 3
        values = random.choice([-1, 1]) * mean + random.normal(0, deviation, rows)
        sketches: dict[Key, Sketch] = {Key(MODEL, Role.FEATURE, "x"): Numeric.of(values)}
        text = file.dumps(file.baseline(Window(MODEL, 1, 2, sketches, rows), source="", created=0))
        read = file.loads(text)
        assert text == file.dumps(read)
        found = read.window.sketches[Key(MODEL, Role.FEATURE, "x")]
        assert isinstance(found, Numeric)
        assert values.mean() == pytest.approx(found.mean, rel=1e-12, abs=1e-12 * deviation)
        exact = ((values - values.mean()) ** 2).mean()
        assert exact == pytest.approx(found.variance, rel=1e-9, abs=(1e-15 * mean) ** 2)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d["otelml"].update(id="0" * 16), "changed after it was built"),
        (lambda d: d["resourceMetrics"][0].update(schemaUrl="x"), "changed after it was built"),
        (lambda d: d["otelml"].update(rows=7), "says 7 rows"),
        (lambda d: d["otelml"].update(format=9), "format 9"),
        (lambda d: d["otelml"].pop("model"), "`otelml.model` is missing"),
        (lambda d: d["otelml"].update(model="other"), "series of model 'fraud'"),
        (lambda d: d.pop("otelml"), "not a baseline of otelml"),
        (lambda d: d["otelml"].pop("schema"), "schema"),
        (lambda d: d["otelml"].update(schema=["x"]), "`otelml.schema` is missing"),
        (lambda d: d["otelml"].update(columns=None), "`otelml.columns` is missing"),
    ],
)
def test_what_was_changed_is_refused(tmp_path: Path, change: Any, complaint: str) -> None:
    document = json.loads(file.dumps(baseline()))
    change(document)
    (tmp_path / "b.json").write_text(json.dumps(document))
    with pytest.raises(file.BaselineError, match=complaint) as caught:
        file.read(tmp_path / "b.json")
    assert "otelml baseline build" in str(caught.value)
    assert "b.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", "[" * 100_000, '{"otelml": 3}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(file.BaselineError, match=r"b\.json"):
        file.read(tmp_path / "b.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(file.BaselineError, match=r"absent.json: No such file"):
        file.read(tmp_path / "absent.json")


def test_a_link_stays_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    target, link, dangling = (tmp_path / name for name in ("b.json", "link.json", "later.json"))
    target.write_text("old")
    link.symlink_to(target.name)
    dangling.symlink_to("new.json")
    kept = baseline()
    for path in (link, dangling):
        file.write(path, kept)
        assert path.is_symlink()
        assert kept.id == file.read(path).id
    names = {path.name for path in tmp_path.iterdir()}
    assert {"b.json", "link.json", "later.json", "new.json"} == names


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    kept = baseline(rows=20)  # the pipe holds all of it
    file.write(pipe, kept)
    assert file.dumps(kept) == os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert pipe.is_fifo()


def test_fewer_rows_than_none_are_refused() -> None:
    key = Key(MODEL, Role.FEATURE, "age")
    ages = Window(MODEL, 0, MINUTE, {key: Numeric.of(np.arange(9.0))}, 9)
    text = file.dumps(file.baseline(ages, source="", created=0))
    with pytest.raises(file.BaselineError, match="-9, which is no number of rows"):
        file.loads(text.replace('"rows":9', '"rows":-9'))


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        (r'"asDouble":[^,}]+', '"asDouble":NaN'),
        (r'"asDouble":[^,}]+', '"asDouble":1e999'),
        (r'"rows":\d+', '"rows":1e400'),
        (r'"rows":\d+', '"rows":true'),
        (r'"created":"[^"]+"', '"created":"9999-12-31T23:59:59-12:00"'),
        (r'"created":"[^"]+"', '"created":"soon"'),
    ],
)
def test_numbers_that_are_none_are_refused(pattern: str, damage: str) -> None:
    text, count = re.subn(pattern, damage, file.dumps(baseline()), count=1)
    assert 1 == count
    with pytest.raises(file.BaselineError, match=r"^b\.json: .*otelml baseline build"):
        file.loads(text, "b.json")
