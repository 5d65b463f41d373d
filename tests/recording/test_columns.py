"""Columns of whatever an app gives: one that cannot be read costs no other, and no text leaves."""

import tracemalloc
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from otelml.data import Labels, Role
from otelml.recording.columns import column, features, labels, rows, taken

DAY = 86_400.0


def read(data: Any) -> dict[str, list[Any]]:
    """Values of features by name; those that could not be read are under no name."""
    found: dict[str, list[Any]] = {}
    for each in features(data, None, frozenset(), 100):
        if isinstance(each, Labels):
            _, name, texts = each
            found[name] = [*texts]
        else:
            _, names, values, *_ = each
            found |= zip(names or ("",), values.T.tolist() or ([],), strict=True)
    return found


@pytest.mark.parametrize(
    "odd",
    [np.ones(3), [1, 2], {"a": 1}, (1, 2), {1}, object(), read],
    ids=lambda v: type(v).__name__,
)
def test_what_is_no_scalar_is_no_category_and_costs_no_other_column(odd: Any) -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "odd": [odd, odd]})
    records = [{"age": 1.0, "odd": odd}, {"age": 2.0, "odd": odd}]
    for data in (frame, records):
        assert {"age": [1.0, 2.0], "": []} == read(data)


def test_a_value_that_cannot_be_an_array_costs_no_other() -> None:
    given = {
        "age": [1.0, 2.0],
        "ragged": [[1], [2, 3]],
        "nested": {"a": 1},
        "day": date(1970, 1, 2),
    }
    assert {"age": [1.0, 2.0], "": [], "day": [DAY]} == read(given)


def test_other_scalars_are_their_text() -> None:
    given = column(Role.FEATURE, "x", np.array([pd.Period("2026-01"), "a", b"b", 1 + 2j], object))
    assert Labels(Role.FEATURE, "x", ("2026-01", "a", "b'b'", "(1+2j)")) == given


@pytest.mark.parametrize("values", [["a" * 257, "b"], np.array(["a" * 257, "b"])])
def test_a_document_is_no_category(values: Any) -> None:
    assert ["_OTHER", "b"] == labels(values)


def test_a_long_text_costs_the_others_no_room() -> None:
    texts = ["x"] * 2000 + ["y" * 100_000]
    tracemalloc.start()
    found = read(texts), read([[text] for text in texts]), labels(texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ["_OTHER"] * 3 == [found[0]["x0"][-1], found[1]["x0"][-1], found[2][-1]]
    assert peak < 4_000_000


def test_moments_are_epoch_seconds_whatever_they_are_in() -> None:
    there = timezone(timedelta(hours=1))
    moments = [datetime(1970, 1, 2, tzinfo=UTC), datetime(1970, 1, 2, 1, tzinfo=there)]
    given = {
        "zoned frame": pd.DataFrame({"t": moments}),
        "zoned series": pd.DataFrame({"t": pd.to_datetime(pd.Series(moments), utc=True)}),
        "polars": pl.DataFrame({"t": moments}),
        "naive": [{"t": datetime(1970, 1, 2)}, {"t": pd.Timestamp("1970-01-02")}],  # noqa: DTZ001
        "days": [{"t": date(1970, 1, 2)}, {"t": np.datetime64("1970-01-02")}],
    }
    assert {key: {"t": [DAY, DAY]} for key in given} == {k: read(v) for k, v in given.items()}


def test_durations_are_seconds_whatever_they_are_in() -> None:
    durations = [timedelta(days=1), timedelta(days=1)]
    given = {
        "frame": pd.DataFrame({"t": durations}),
        "polars": pl.DataFrame({"t": durations}),
        "Arrow": pa.table({"t": durations}),
        "array": {"t": np.array(durations, "timedelta64[ms]")},
        "matrix": {"t": np.array([durations, durations], "timedelta64[D]").T[:, :1]},
        "rows": [{"t": durations[0]}, {"t": np.timedelta64(24, "h")}],
    }
    assert {key: {"t": [DAY, DAY]} for key in given} == {k: read(v) for k, v in given.items()}
    some = np.array([timedelta(microseconds=1), np.timedelta64("NaT", "us"), None, pd.NaT], object)
    for odd in (some, some[:3].astype("timedelta64[us]"), pd.Series(some[:3])):
        np.testing.assert_array_equal([1e-6, np.nan, np.nan], read({"t": odd})["t"][:3])


def test_moments_that_are_missing_or_far_away() -> None:
    for nothing in (np.datetime64("NaT", "s"), pd.NaT, None):
        some = [date(1970, 1, 2), nothing]
        for given in ({"t": np.array(some, object)}, [{"t": each} for each in some]):
            np.testing.assert_array_equal([DAY, np.nan], read(given)["t"])
    for far in (np.array(["9999-12-31"], "datetime64[s]"), [date(9999, 12, 31)]):
        (seconds,) = read({"t": far})["t"]
        assert 253_402_214_400.0 == seconds


def test_a_sparse_matrix_of_keys_is_a_matrix() -> None:
    given = sparse.dok_matrix([[0.0, 1.0], [2.0, 0.0]])
    assert {"x0": [0.0, 2.0], "x1": [1.0, 0.0]} == read(given)
    assert 2 == rows(given)


def test_the_columns_of_an_arrow_table_are_no_names() -> None:
    given = pa.table({"age": [1, None], "job": ["clerk", None], "emb": [[1.0], [2.0]]})
    for data in (given, given.to_batches()[0]):
        found = read(data)
        np.testing.assert_array_equal([1.0, np.nan], found.pop("age"))
        assert {"job": ["clerk", None], "": []} == found
        assert 2 == rows(data)
        assert {"job": [None], "": []} == {
            name: values
            for name, values in read(taken(data, 2, np.array([1]))).items()
            if name != "age"
        }
    assert {"age": [1.0]} == read(pl.DataFrame({"age": [1]}))


def test_nulls_among_the_codes_of_an_arrow_table_are_missing() -> None:
    columns = {"job": ["clerk", None, "cook"], "age": [30, None, 40], "member": [True, None, True]}
    given = pa.table({name: pa.array(v).dictionary_encode() for name, v in columns.items()})
    for data in (given, given.to_batches()[0], given.slice(0, 3)):
        found = read(data)
        np.testing.assert_array_equal([30, np.nan, 40], found.pop("age"))
        assert {"job": ["clerk", None, "cook"], "member": ["True", None, "True"]} == found


def test_a_column_of_an_arrow_table_that_numpy_cannot_have_costs_no_other() -> None:
    given = pa.table({"age": [1.0, 2.0], "at": pa.array([1, 2], pa.time64("ns"))})
    assert {"age": [1.0, 2.0], "": []} == read(given)


def test_rows_are_told_or_left_to_the_result() -> None:
    told = (
        [[1], [2]],
        {"age": [1, 2], "job": ["a", "b"]},
        {"a": np.ones((2, 3))},
        pd.Series([1, 2]),
    )
    assert [2, 2, 2, 2] == [*map(rows, told)]
    untold: tuple[Any, ...] = (
        {"age": 3, "job": "clerk", "city": None},
        iter([1]),
        object(),
        None,
        {},
    )
    assert [0, 0, 0, 0, 0] == [*map(rows, untold)]
    assert [1, 1] == [*map(rows, ("good movie", 3.0))]
