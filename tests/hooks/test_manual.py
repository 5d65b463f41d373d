"""What an app says itself: models that no hook covers, and challengers."""

import asyncio
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


@pytest.mark.parametrize(
    ("prediction", "rows"),
    [("yes", 1), (0.7, 1), (["yes"] * 5, 5), (X[:, 0], 30), ([], 0), ({"a": 0.7}, 1), (None, 1)],
)
def test_rows_without_features_are_those_of_the_prediction(
    telemetry: Telemetry, prediction: Any, rows: int
) -> None:
    otelml.record("fraud", prediction=prediction)
    assert rows == told(telemetry)["ml.inference.batch.size"]
    assert rows == telemetry.value("ml.inference.predictions")


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


@pytest.mark.parametrize("champion_first", [True, False])
def test_a_challenger_is_compared_with_the_champion(
    telemetry: Telemetry, champion_first: bool
) -> None:
    champion = LogisticRegression().fit(X, Y)
    challenger = LogisticRegression(C=1e-3).fit(X, 1 - Y)
    otelml.name_model(champion, "champion")
    otelml.name_model(challenger, "challenger")

    def shadowed() -> None:
        with otelml.shadow():
            challenger.predict(X)

    with otelml.shadow():
        pass  # from the first one on, champions are remembered
    with telemetry.tracer.start_as_current_span("request"):
        if not champion_first:
            shadowed()
        champion.predict(X)
        if champion_first:
            shadowed()
    agreed = int((champion.predict(X) == challenger.predict(X)).sum())
    named = {"ml_model_name": "challenger", "ml_shadow_champion": "champion"}
    assert agreed == telemetry.value("ml.shadow.agreement", ml_shadow_agreed="true", **named)
    assert 30 - agreed == telemetry.value("ml.shadow.agreement", ml_shadow_agreed="false", **named)
    marked = [s for s in telemetry.spans() if (s.attributes or {}).get("ml.model.alias")]
    assert ["predict challenger"] == [span.name for span in marked]


@pytest.mark.parametrize("champion_first", [True, False])
def test_each_request_of_a_trace_is_compared_by_itself(
    telemetry: Telemetry, champion_first: bool
) -> None:
    """As in a batch job: what its first chunk predicted must not meet what the second one did."""

    def champion(chunk: list[str]) -> None:
        otelml.record("champion", prediction=chunk)

    def challenger(chunk: list[str]) -> None:
        with otelml.shadow():
            otelml.record("challenger", prediction=chunk)

    with otelml.shadow():
        pass
    with telemetry.tracer.start_as_current_span("job"):
        for chunk in (["no", "yes"], ["yes", "no"], ["yes", "yes"]):
            for called in (champion, challenger)[:: 1 if champion_first else -1]:
                called(chunk)
    assert 6 == telemetry.value("ml.shadow.agreement", ml_shadow_agreed="true")
    assert 6 == telemetry.value("ml.shadow.agreement")


def test_challengers_alone_do_not_pile_up(telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("job"):
        for label in ("no", "no", "yes"):
            with otelml.shadow():
                otelml.record("challenger", prediction=[label])
        otelml.record("champion", prediction=["yes"])
    assert 1 == telemetry.value("ml.shadow.agreement", ml_shadow_agreed="true")
    assert 1 == telemetry.value("ml.shadow.agreement")


def test_without_a_trace_nothing_is_compared(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    model.predict(X)
    with otelml.shadow():
        model.predict(X)
    assert 0 == telemetry.value("ml.shadow.agreement")


def test_a_task_that_outlives_a_call_is_not_within_it(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)

    async def asked() -> None:
        await asyncio.sleep(0)
        model.predict(X[:7])

    async def both() -> None:
        with otelml.inference("outer", features=X) as call:
            call.prediction = X[:, 0]
            task = asyncio.create_task(asked())
        await task

    asyncio.run(both())
    assert 7 == telemetry.value("ml.inference.predictions", ml_model_name="LogisticRegression")
    assert len(X) == telemetry.value("ml.inference.predictions", ml_model_name="outer")
