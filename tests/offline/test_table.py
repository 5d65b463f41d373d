"""Tables come whole from every format, whatever their shape on disk, in little memory."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from otelml.data import Key, Model, Role, Sketch, segment
from otelml.offline.labels import labels
from otelml.offline.layout import Layout
from otelml.offline.profile import profile
from otelml.offline.table import DataError, aligned, batches, columns_of
from otelml.recording.columns import features
from otelml.recording.rows import segments
from otelml.recording.sketches import Gathered, Sketches
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from tests.offline.test_outcomes import written

Write = Callable[[pa.Table, Path], None]
MODEL = Model("m")


def ipc(table: pa.Table, path: Path, rows: int, compression: str | None = None) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(str(path), table.schema, options=options) as file:
        file.write_table(table.combine_chunks(), max_chunksize=rows)


def in_app(data: Any) -> Mapping[Key, Sketch]:
    """What the recorder makes of an input."""
    sketches, gathered = Sketches(100), Gathered()
    gathered.add(MODEL, features(data, None, frozenset(), 100))
    sketches.fold(gathered)
    sketches.settle()
    return sketches.take()


FORMATS: dict[str, tuple[str, Write]] = {
    "CSV": ("csv", pa.csv.write_csv),
    "Parquet, one row group": ("parquet", pa.parquet.write_table),
    "Parquet, many": ("parquet", lambda t, p: pa.parquet.write_table(t, p, row_group_size=999)),
    "Arrow, one batch": ("arrow", lambda t, p: ipc(t, p, 10**9)),
    "Arrow, many": ("arrow", lambda t, p: ipc(t, p, 999)),
    "Arrow, compressed": ("feather", lambda t, p: ipc(t, p, 4000, "lz4")),
}


def table(columns: int, rows: int = 10_000) -> pa.Table:
    random = np.random.default_rng(columns)
    made = {f"n{i}": pa.array(random.normal(i, 1, rows)) for i in range(columns)}
    made["n0"] = pa.array(random.normal(size=rows), mask=random.random(rows) < 0.1)
    made["n0.x"] = pa.array(random.integers(0, 9, rows))  # beside `n0`, not inside it
    made["plan"] = pa.array(random.choice([*"abc"], rows))
    return pa.table(made)


@pytest.fixture(params=FORMATS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[pa.Table], Path]:
    suffix, writer = FORMATS[request.param]

    def written(data: pa.Table) -> Path:
        path = tmp_path / f"t.{suffix}"
        writer(data, path)
        return path

    return written


@pytest.mark.parametrize("columns", [1, 7, 100])
def test_a_file_becomes_the_sketches_of_its_columns(
    write: Callable[[pa.Table], Path], columns: int
) -> None:
    data = table(columns)
    path = write(data)
    told: list[float] = []
    found = profile(path, MODEL, Layout(), told.append)
    assert data.column_names == columns_of(path)
    assert 10_000 == found.rows
    assert {Key(MODEL, Role.FEATURE, name) for name in data.column_names} == found.sketches.keys()
    for name in data.column_names:
        sketch, values = found.sketches[Key(MODEL, Role.FEATURE, name)], data[name]
        if name == "plan":
            assert Categories.of(values.to_pylist()) == sketch
            continue
        exact = values.cast(pa.float64()).to_numpy()
        assert isinstance(sketch, Numeric)
        assert (np.isfinite(exact).sum(), np.isnan(exact).sum()) == (sketch.count, sketch.missing)
        assert np.nanmean(exact) == pytest.approx(sketch.mean, rel=1e-12)
    assert sorted(told) == told
    assert 1.0 == told[-1]


def test_types_beyond_the_first_rows_of_csv(tmp_path: Path) -> None:
    """Text after 8 MiB of numbers makes a column mixed, not a failure."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2.5\n" * 1_500_000 + "x,2.5\n")
    found = profile(path, MODEL, Layout())
    mixed = found.sketches[Key(MODEL, Role.FEATURE, "a")]
    assert isinstance(mixed, Numeric)
    assert (1_500_000, 1) == (mixed.count, mixed.mismatched)
    assert 1_500_001 == found.rows


def test_a_file_that_was_cut_short_is_told_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(table(1), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"corrupted .*; save it anew$"):
        columns_of(path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_no_file_and_an_empty_one_are_told_with_the_remedy(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match=r"No such file or directory; give one that is there$"):
        columns_of(tmp_path / f"none{suffix}")
    folder, empty = tmp_path / f"folder{suffix}", tmp_path / f"empty{suffix}"
    folder.mkdir()
    empty.touch()
    with pytest.raises(DataError, match=r"s a directory; give a file in it$"):
        columns_of(folder)
    with pytest.raises(DataError, match=r"give a file with data$"):
        columns_of(empty)


def test_lines_longer_than_a_block_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + f"1,{'x' * 700_000}\n" * 20)
    assert 20 == sum(batch.num_rows for batch in batches(path))


@pytest.mark.parametrize(
    ("text", "value"),
    [('"one\n""two""\n\nthree"', 'one\n"two"\n\nthree'), ('5" pipe', '5" pipe'), ("a\r", "a")],
)
def test_line_breaks_and_quotes_in_csv(tmp_path: Path, text: str, value: str) -> None:
    """A break inside quotes ends no line, wherever a block of the file ends."""
    rows, path = 60_001, tmp_path / "t.csv"
    path.write_text("a,b\n" + f"1,x\n1,{text}\n" * rows, newline="")
    read = [row for batch in batches(path) for row in batch.column("b").to_pylist()]
    assert ["x", value] * rows == read


def test_a_quote_that_nobody_closed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,x\n" * 900_000 + '1,"x\n' + "1,x\n" * 900_000)
    with pytest.raises(DataError, match="multiple lines"):
        list(batches(path))


def test_a_bad_line_of_csv_is_told_by_its_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 500_000 + "1\n" + "1,2\n" * 9)
    with pytest.raises(DataError, match="Row #500002: Expected 2 columns, got 1"):
        list(batches(path))


PEAK = """
import sys
from pathlib import Path
import pyarrow as pa
from otelml.data import Model
from otelml.offline.layout import Layout
from otelml.offline.profile import profile
profile(Path(sys.argv[1]), Model("m"), Layout())
print(pa.default_memory_pool().max_memory() >> 20, "pandas" in sys.modules)
"""


def test_memory_is_that_of_one_column_at_a_time(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    data = pa.table({f"n{i}": random.normal(size=200_000) for i in range(20)})
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(data, path)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, path], check=True, capture_output=True, text=True
    )
    peak, pandas = done.stdout.split()
    assert int(peak) < 6  # all columns at once: 50
    assert "False" == pandas


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_columns_of_lists_are_told_or_left_out(tmp_path: Path, kind: str) -> None:
    data = pa.table({"age": [1, 2], "embedding": [[1.0, 2.0], [3.0]]})
    path = tmp_path / f"t.{kind}"
    pa.parquet.write_table(data, path) if kind == "parquet" else ipc(data, path, 9)
    with pytest.raises(DataError, match=r"'embedding' is of list.*; --exclude it"):
        profile(path, MODEL, Layout())
    found = profile(path, MODEL, Layout(exclude=frozenset({"embedding"})))
    assert [Key(MODEL, Role.FEATURE, "age")] == [*found.sketches]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_numbers_that_pandas_calls_categories_are_those_of_the_app(
    tmp_path: Path, suffix: str
) -> None:
    moments = pd.to_datetime(["2026-01-01", "2026-01-02"] * 5)
    columns = {"age": [30, None, 50, 30, 40] * 2, "half": [0.5, 1.5] * 5, "since": moments}
    frame = pd.DataFrame({**columns, "plan": [*"ab"] * 5}).astype("category")
    path = tmp_path / f"t.{suffix}"
    found = profile(written(frame, path), MODEL, Layout()).sketches
    assert in_app(frame) == found
    kinds = {key.name: type(sketch) for key, sketch in found.items()}
    assert {"age": Numeric, "half": Numeric, "since": Numeric, "plan": Categories} == kinds
    (batch,) = aligned(path, ["age"])
    assert [30, None, 50, 30, 40] * 2 == batch["age"].to_pylist()


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_those_of_the_app(tmp_path: Path, suffix: str, unit: str) -> None:
    lasted = pa.array([*range(1, 500), None], pa.duration(unit))
    data, path = pa.table({"lasted": lasted}), tmp_path / f"t.{suffix}"
    pa.parquet.write_table(data, path) if suffix == "parquet" else ipc(data, path, 99)
    found = profile(path, MODEL, Layout()).sketches
    (sketch,), (recorded,) = found.values(), in_app(data).values()
    assert isinstance(sketch, Numeric)
    assert isinstance(recorded, Numeric)
    assert (499, 1) == (sketch.count, sketch.missing)
    assert (recorded.minimum, recorded.maximum) == (sketch.minimum, sketch.maximum)
    assert recorded.mean == pytest.approx(sketch.mean)


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)],
        [date(2026, 1, 1), date(2026, 1, 2)],
        [timedelta(hours=1), timedelta(days=1)],
        [Decimal("1.50"), Decimal("2.00")],
    ],
)
@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_slices_are_named_as_in_the_app(tmp_path: Path, suffix: str, values: list[Any]) -> None:
    rows = pd.DataFrame({"x": np.arange(100.0), "by": values * 50})
    layout = Layout(segments=("by",))
    found = profile(written(rows, tmp_path / f"a.{suffix}"), MODEL, layout).sketches
    shown = [
        texts
        for block in features(rows, None, frozenset(), 100)
        for _, texts in segments(block, frozenset({"by"}))
    ]
    assert {key.segment[1][1] for key in found if key.segment} == {*shown[0]}


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_views_of_texts_cut_rows_as_texts_do(tmp_path: Path, suffix: str) -> None:
    path, found = tmp_path / f"t.{suffix}", []
    for kind in (pa.string(), pa.string_view(), pa.binary(), pa.binary_view()):
        plan = pa.array(["a", "b", None] * 100, kind)
        data = pa.table({"plan": plan, "n": np.arange(300.0)})
        pa.parquet.write_table(data, path) if suffix == "parquet" else ipc(data, path, 99)
        found.append(profile(path, MODEL, Layout(segments=("plan",))).sketches)
    text, view, octets, view_of_octets = found
    assert text == view
    assert octets == view_of_octets
    assert {(), segment("plan", "a"), segment("plan", "b")} == {key.segment for key in text}


def test_an_arrow_stream_is_told_with_the_remedy(tmp_path: Path) -> None:
    data, path = table(3), tmp_path / "t.arrow"
    with pa.ipc.new_stream(str(path), data.schema) as stream:
        stream.write_table(data)
    with pytest.raises(DataError, match="it may be a stream; save it as a file"):
        columns_of(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_a_pipe_is_refused(tmp_path: Path, suffix: str) -> None:
    pipe = tmp_path / f"t.{suffix}"
    os.mkfifo(pipe)
    timer = Timer(5, lambda: os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)))
    timer.start()  # ends the wait of who opens it
    try:
        with pytest.raises(DataError, match="a pipe cannot be read twice; save it to a file"):
            profile(pipe, MODEL, Layout())
        with pytest.raises(DataError, match="a pipe cannot be read twice; save it to a file"):
            next(labels(pipe, {"id": "id", "label": "label"}))
    finally:
        timer.cancel()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([bytes(16)] * 30, pa.uuid()),
        pa.array(["{}"] * 30, pa.json_()),
        pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((30, 2))),
    ],
    ids=lambda column: str(column.type)[:20],
)
@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_values_that_are_neither_numbers_nor_text_are_excluded(
    tmp_path: Path, suffix: str, column: pa.Array
) -> None:
    path = tmp_path / f"t.{suffix}"
    rows = pa.table({"n": np.arange(30.0), "plan": [*"abc"] * 10, "odd": column})
    pa.parquet.write_table(rows, path) if suffix == "parquet" else ipc(rows, path, 10)
    told = re.escape(f"column 'odd' is of {column.type}; --exclude it")
    with pytest.raises(DataError, match=told):
        profile(path, MODEL, Layout())
    excluded = frozenset({"odd"})
    found = profile(path, MODEL, Layout(exclude=excluded, segments=("plan",)))
    assert {"n", "plan"} == {key.name for key in found.sketches}
    with pytest.raises(DataError, match=told):
        profile(path, MODEL, Layout(exclude=excluded, segments=("odd",)))


def test_calendar_intervals_are_told_or_left_out(tmp_path: Path) -> None:
    every = pa.array([(1, 2, 3)] * 30, pa.month_day_nano_interval())
    ipc(pa.table({"n": np.arange(30.0), "every": every}), path := tmp_path / "t.arrow", 10)
    with pytest.raises(DataError, match=r"'every' is of month_day_nano_interval; --exclude it"):
        profile(path, MODEL, Layout())
    found = profile(path, MODEL, Layout(exclude=frozenset({"every"})))
    assert [Key(MODEL, Role.FEATURE, "n")] == [*found.sketches]
