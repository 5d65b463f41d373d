"""What an app says itself: models that no hook covers, and challengers."""

import asyncio
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import otelml
from tests.hooks.conftest import Telemetry

X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["age", "debt"])


def told(telemetry: Telemetry) -> dict[str, Any]:
    (span,) = telemetry.spans()
    return dict(span.attributes or {})


def test_a_context_manager(telemetry: Telemetry) -> None:
    with otelml.inference("fraud", features=FRAME, version="3", classes=["no", "yes"]) as call:
        call.prediction = np.where(Y, "yes", "no")
        call.probabilities = np.column_stack([1 - 0.7 * Y, 0.7 * Y])
    attributes = told(telemetry)
    assert ("fraud", "3", "custom", 30) == (
        attributes["ml.model.name"],
        attributes["ml.model.version"],
        attributes["ml.system.name"],
        attributes["ml.inference.batch.size"],
    )
    assert 30 == telemetry.value("ml.feature.value", ml_feature_name="debt")
    assert 30 == telemetry.value("ml.prediction.classes")
    assert 30 == telemetry.value("ml.prediction.score")


def test_an_exception_is_the_apps_own(telemetry: Telemetry) -> None:
    with pytest.raises(KeyError), otelml.inference("fraud", features=[[1.0, 2.0]]):
        raise KeyError("x")
    assert "KeyError" == told(telemetry)["error.type"]
    assert 0 == telemetry.value("ml.feature.observations")


def test_a_decorator(telemetry: Telemetry) -> None:
    @otelml.inference("risk", task="regression", names=["age", "debt"])
    def risk(rows: Any) -> Any:
        return rows.sum(axis=1)

    assert X.sum(axis=1) == pytest.approx(risk(X))
    risk(X[:1])
    assert 31 == telemetry.value("ml.feature.value", ml_feature_name="debt")
    assert 31 == telemetry.value("ml.prediction.value")
    assert 2 == len(telemetry.spans())


def test_a_decorator_of_a_coroutine(telemetry: Telemetry) -> None:
    @otelml.inference("risk")
    async def risk(rows: Any) -> Any:
        await asyncio.sleep(0)
        return rows[:, 0]

    async def both() -> None:
        await asyncio.gather(risk(X), risk(X))

    asyncio.run(both())
    assert 60 == telemetry.value("ml.prediction.value")
    assert 2 == len(telemetry.spans())


def test_a_call_that_is_over(telemetry: Telemetry) -> None:
    otelml.record("fraud", features={"age": [3, 4]}, prediction=["yes", "no"], seconds=2.0)
    (span,) = telemetry.spans()
    assert 2e9 == pytest.approx((span.end_time or 0) - (span.start_time or 0), rel=0.2)
    assert 2 == telemetry.value("ml.feature.value", ml_feature_name="age")
    (point,) = telemetry.points("ml.inference.duration")
    assert 2 == pytest.approx(point.max, abs=0.3)


def test_calls_within_are_not_recorded_on_their_own(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    with otelml.inference("fraud", features=FRAME) as call:
        call.prediction = model.predict(X)
    assert "fraud" == told(telemetry)["ml.model.name"]


class Duck:
    """A model that looks like scikit-learn's."""

    classes_ = np.array(["no", "yes"])

    def predict(self, X: Any) -> Any:
        return np.where(np.asarray(X)[:, 0] > 0, "yes", "no")


def test_a_model_that_looks_like_one(telemetry: Telemetry) -> None:
    shown = otelml.instrument_model(Duck(), "duck", "1")
    Duck().predict(X)
    assert [] == telemetry.spans()
    shown.predict(FRAME)
    assert ("duck", "1") == (
        told(telemetry)["ml.model.name"],
        told(telemetry)["ml.model.version"],
    )
    assert 30 == telemetry.value("ml.feature.value", ml_feature_name="age")
    assert 30 == telemetry.value("ml.prediction.classes")


SHADOWED = """
import sys
import numpy as np
import otelml
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from sklearn.linear_model import LogisticRegression
from otelml.hooks.sklearn import SklearnInstrumentor

reader, tracers = InMemoryMetricReader(), TracerProvider()
meters = MeterProvider([reader])
SklearnInstrumentor().instrument(meter_provider=meters, tracer_provider=tracers)
X = np.random.default_rng(0).normal(size=(30, 2))
Y = X[:, 0] > 0
champion = LogisticRegression().fit(X, Y)
challenger = LogisticRegression(C=1e-3).fit(X, ~Y)
otelml.name_model(champion, "champion")
otelml.name_model(challenger, "challenger")
with otelml.shadow():
    pass  # from the first one on, champions are remembered

def shadowed():
    with otelml.shadow():
        return challenger.predict(X)

with tracers.get_tracer("test").start_as_current_span("request"):
    if sys.argv[1] == "champion":
        one, other = champion.predict(X), shadowed()
    else:
        other, one = shadowed(), champion.predict(X)
agreed = int((one == other).sum())
for resource in reader.get_metrics_data().resource_metrics:
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points if metric.name == "ml.shadow.agreement" else ():
                told = dict(point.attributes)
                expected = agreed if told["ml.shadow.agreed"] == "true" else 30 - agreed
                print(told["ml.model.name"], told["ml.shadow.champion"], point.value == expected)
"""


@pytest.mark.parametrize("first", ["champion", "challenger"])
def test_a_challenger_is_compared_with_the_champion(first: str) -> None:
    """In a process of its own: whom to compare is remembered for as long as one lives."""
    done = subprocess.run(
        [sys.executable, "-c", SHADOWED, first], check=True, capture_output=True, text=True
    )
    assert {"challenger champion True"} == {*done.stdout.splitlines()}


def test_without_a_trace_nothing_is_compared(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    model.predict(X)
    with otelml.shadow():
        model.predict(X)
    assert 0 == telemetry.value("ml.shadow.agreement")
