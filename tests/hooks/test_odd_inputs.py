"""Whatever an app gives its model, the model gets it, and so does the app its result."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier

import otelml
from tests.hooks.conftest import Telemetry


class Duck:
    """A model that takes anything."""

    given: Any = None

    def predict(self, X: Any) -> Any:
        self.given = X
        return np.array(["yes"])


class Hostile:
    """An object of which nothing can be asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __len__(self) -> int:
        raise RuntimeError("len")

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("iter")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    __hash__ = object.__hash__


READ = {
    "sparse": sparse.csr_matrix(np.eye(3)),
    "strings": [["a", "b"], ["c", "d"]],
    "mixed rows": [[1, "a", None], [2.5, "b", True]],
    "objects": np.array([[1, "a"], [None, object]], dtype=object),
    "mixed frame": pd.DataFrame(
        {"a": [1, "x"], "b": [pd.Timestamp("2026-01-01"), pd.NaT], "c": [True, False]}
    ),
    "records": [{"age": 3, "job": "clerk"}, {"age": 4}],
    "mapping": {"age": [3, 4], "job": ["clerk", None]},
    "scalar mapping": {"age": 3, "job": "clerk"},
    "image": np.zeros((2, 8, 8, 3)),
    "embedding": np.zeros((2, 1024)),
    "half floats": np.zeros((2, 2), "f2"),
    "arrays in a frame": pd.DataFrame({"age": [1.0], "emb": [np.ones(3)]}),
    "sparse by keys": sparse.dok_matrix(np.eye(3)),
    "arrow": pa.table({"age": [3], "job": ["clerk"]}),
    "masked": np.ma.masked_array([[1.0, 2.0]], mask=[[True, False]]),
    "structured": pd.DataFrame({"a": pd.array([1, None], "Int64")}),
    "single row": [1.0, 2.0],
    "number": 3.0,
    "extremes": np.array([[1e308, -1e308, 5e-324, np.inf, np.nan]]),
}
COUNTED = {
    "generator": (row for row in [[1], [2]]),
    "hostile": Hostile(),
    "text": "good movie",  # it would be told as it is
    "ragged": [[1, 2], [3]],
    "too wide and sparse": sparse.csr_matrix((10_000, 100_000)),
}


@pytest.mark.parametrize("data", READ.values(), ids=READ.keys())
def test_what_can_be_read_is(telemetry: Telemetry, data: Any) -> None:
    model = otelml.instrument_model(Duck())
    assert ["yes"] == model.predict(data).tolist()
    assert model.given is data
    assert 0 < telemetry.value("ml.feature.observations")
    assert 1 == len(telemetry.spans())


@pytest.mark.parametrize("data", COUNTED.values(), ids=COUNTED.keys())
def test_what_cannot_be_read_is_counted(telemetry: Telemetry, data: Any) -> None:
    model = otelml.instrument_model(Duck())
    assert ["yes"] == model.predict(data).tolist()
    assert model.given is data
    assert 1 <= telemetry.value("ml.monitor.item.dropped", error_type="not_readable")
    assert 1 == telemetry.value("ml.inference.duration")


@pytest.mark.parametrize("data", [{"age": 3, "job": "clerk"}, iter([[1], [2], [3]])])
def test_rows_that_the_input_does_not_tell_are_those_of_the_result(
    telemetry: Telemetry, data: Any
) -> None:
    otelml.instrument_model(Duck()).predict(data)
    assert 1 == telemetry.value("ml.inference.predictions")


def test_no_rows_are_no_predictions(telemetry: Telemetry) -> None:
    DummyClassifier().fit([[0], [1]], [0, 1]).predict(np.empty((0, 1)))
    assert 0 == telemetry.value("ml.inference.predictions")
    assert 1 == telemetry.value("ml.inference.duration")


def test_a_generator_is_not_consumed(telemetry: Telemetry) -> None:
    model = otelml.instrument_model(Duck())
    given = iter([1, 2, 3])
    model.predict(given)
    assert [1, 2, 3] == list(given)


def test_a_million_columns(telemetry: Telemetry) -> None:
    model = otelml.instrument_model(Duck())
    wide = pd.DataFrame(np.zeros((1, 1_000_000)))
    started = time.perf_counter()
    model.predict(wide)
    assert time.perf_counter() - started < 20
    assert 100 == telemetry.value("ml.feature.observations")


@pytest.mark.parametrize("collected", [False, True])
def test_numbers_that_come_after_missing_ones_are_numbers(
    telemetry: Telemetry, *, collected: bool
) -> None:
    ages = np.random.default_rng(0).normal(1e9, 1, 300)
    model = otelml.instrument_model(Duck())
    model.predict([{"age": None}])
    if collected:
        assert 1 == telemetry.value("ml.data_quality.violations")
    model.predict([{"age": float(age)} for age in ages])
    assert 300 == telemetry.value("ml.feature.value")
    assert 301 == telemetry.value("ml.feature.observations")
    assert 1 == telemetry.value("ml.data_quality.violations")
    (squares,) = telemetry.points("ml.feature.sum_of_squares")
    assert 300 * 1024**2 > squares.value  # about a pivot that is near them


@pytest.mark.parametrize("collected", [False, True])
def test_numbers_that_come_after_a_text_are_numbers(
    telemetry: Telemetry, *, collected: bool
) -> None:
    model = otelml.instrument_model(Duck())
    model.predict([{"age": "n/a"}])
    if collected:
        assert 1 == telemetry.value("ml.feature.categories")
    for age in range(300):
        model.predict([{"age": age}])
    assert 300 == telemetry.value("ml.feature.value")
    assert 301 == telemetry.value("ml.feature.observations")
    assert 1 == telemetry.value("ml.data_quality.violations")
    assert [] == telemetry.points("ml.feature.categories")
