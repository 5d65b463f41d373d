"""statsmodels' results under the hooks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.iolib import smpickle

from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(80, 2)), columns=["age", "debt"])
FRAME["late"] = (FRAME.age + RNG.normal(size=80) > 0).astype(int)


def test_a_logistic_regression(telemetry: Telemetry) -> None:
    fitted = smf.logit("late ~ age + debt", FRAME).fit(disp=0)
    assert [] == telemetry.spans()
    scores = fitted.predict(FRAME)
    (span,) = telemetry.spans()
    told = dict(span.attributes or {})
    assert ("predict Logit", "statsmodels", 80) == (
        span.name,
        told["ml.system.name"],
        told["ml.inference.batch.size"],
    )
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="age")
    (score,) = telemetry.points("ml.prediction.score")
    assert scores.sum() == pytest.approx(score.sum)


def test_a_linear_model_of_arrays(telemetry: Telemetry) -> None:
    exog = sm.add_constant(FRAME[["age", "debt"]].to_numpy())
    fitted = sm.OLS(FRAME.late, exog).fit()
    fitted.predict(exog)
    assert 80 == telemetry.value("ml.prediction.value")
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="x1")


def test_a_forecast_counts_once(telemetry: Telemetry) -> None:
    fitted = sm.tsa.ARIMA(FRAME.age, order=(1, 0, 0)).fit()
    assert [] == telemetry.spans()
    fitted.forecast(3)
    (span,) = telemetry.spans()
    assert ("predict ARIMA", 3) == (span.name, (span.attributes or {})["ml.inference.batch.size"])
    assert 3 == telemetry.value("ml.prediction.value")


def test_loaded_results_are_named_after_their_file(telemetry: Telemetry, tmp_path: Path) -> None:
    sm.OLS(FRAME.late, FRAME[["age"]]).fit().save(str(tmp_path / "late.pkl"))
    smpickle.load_pickle(str(tmp_path / "late.pkl")).predict(FRAME[["age"]])
    assert ["load late", "predict late"] == [s.name for s in telemetry.spans()]
