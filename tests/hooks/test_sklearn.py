"""scikit-learn under the hooks: what is recorded, once, and the app none the wiser."""

import copy
import gc
import inspect
import pickle
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import BayesianRidge, LinearRegression, LogisticRegression
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

import otelml
from otelml.hooks import _patch
from otelml.hooks.sklearn import SklearnInstrumentor
from tests.hooks.conftest import Telemetry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["age", "income", "debt"])


class Third(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator of somebody else's."""

    def fit(self, X: Any, y: Any) -> "Third":
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[(np.asarray(X)[:, 0] > 0).astype(int)]


@pytest.fixture
def no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics alone: for `telemetry`, which comes after it."""
    monkeypatch.setenv("OTELML_SPANS", "false")


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer of 100 rows: for `telemetry`, which comes after it."""
    monkeypatch.setenv("OTELML_MAX_BUFFERED_ROWS", "100")


def test_a_call_gives_a_span_and_its_metrics(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(FRAME, np.where(Y, "yes", "no"))
    with telemetry.tracer.start_as_current_span("GET /predict") as request:
        model.predict_proba(FRAME[:1])
    (span,) = telemetry.spans()
    attributes: dict[str, Any] = dict(span.attributes or {})
    version = attributes.pop("ml.framework.version")
    score = attributes.pop("ml.prediction.score")
    assert isinstance(version, str)
    assert model.predict_proba(FRAME[:1])[0, 1] == score
    assert 0.5 <= attributes.pop("ml.prediction.confidence")
    assert "predict_proba LogisticRegression" == span.name
    assert span.parent is not None
    assert request.get_span_context().span_id == span.parent.span_id
    assert {
        "ml.operation.name": "predict_proba",
        "ml.system.name": "sklearn",
        "ml.framework.name": "sklearn",
        "ml.model.name": "LogisticRegression",
        "ml.inference.batch.size": 1,
        "ml.inference.feature.count": 3,
        "ml.task.type": "binary_classification",
        "ml.prediction.class": str(model.predict(FRAME[:1])[0]),
    } == attributes


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(8, n_jobs=2),
        make_pipeline(StandardScaler(), LogisticRegression()),
        VotingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(3))]),
        StackingClassifier([("a", RandomForestClassifier(3))], LogisticRegression(), n_jobs=2),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2),
        SVC(),
        Third(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_only_the_outermost_call_counts(telemetry: Telemetry, model: Any) -> None:
    model.fit(X, Y)
    assert [] == telemetry.spans()
    model.predict(X)
    assert 1 == len(telemetry.spans())
    assert 200 == telemetry.value("ml.inference.predictions")
    assert 600 == telemetry.value("ml.feature.observations")
    assert 200 == telemetry.value("ml.prediction.classes")


def test_training_and_validation_are_no_inferences(telemetry: Telemetry) -> None:
    cross_val_score(LogisticRegression(), X, Y, cv=3)
    GridSearchCV(RandomForestClassifier(3), {"max_depth": [2, 3]}, cv=2, n_jobs=2).fit(X, Y)
    LogisticRegression().fit(X, Y).score(X, Y)
    assert [] == telemetry.spans()
    assert 0 == telemetry.value("ml.inference.predictions")


def test_scoring_and_explaining_are_no_inferences(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    get_scorer("roc_auc")(model, X, Y)
    check_scoring(model, ["accuracy", "neg_log_loss"])(model, X, Y)
    permutation_importance(model, X, Y, scoring="neg_log_loss", n_repeats=2, n_jobs=2)
    for scored in (None, lambda model, X, y: float((model.predict(X) == y).mean())):
        permutation_importance(model, X, Y, scoring=scored, n_repeats=2)
    partial_dependence(model, X, [0], method="brute", grid_resolution=3)
    assert [] == telemetry.spans()
    assert 0 == telemetry.value("ml.inference.predictions")


def test_resampling_is_no_inference(telemetry: Telemetry) -> None:
    class Sampler(BaseEstimator):  # type: ignore[misc]
        """As imbalanced-learn's, which ask neighbours."""

        def fit_resample(self, X: Any, y: Any) -> Any:
            return X, LogisticRegression().fit(X, y).predict(X)

    Sampler().fit_resample(X, Y)
    assert [] == telemetry.spans()


@pytest.mark.parametrize(
    "data", [X, X.tolist(), tuple(X.tolist()), FRAME.set_axis([0, 1, 2], axis=1)], ids=type
)
def test_siblings_in_one_request_count_their_features_once(telemetry: Telemetry, data: Any) -> None:
    model = RandomForestClassifier(4).fit(X, Y)
    with telemetry.tracer.start_as_current_span("request"):
        model.predict(data)
        model.predict_proba(data)
    assert 400 == telemetry.value("ml.inference.predictions")
    assert 600 == telemetry.value("ml.feature.observations")
    assert 200 == telemetry.value("ml.prediction.classes")
    assert 200 == telemetry.value("ml.prediction.score")


@pytest.mark.parametrize("buffer", [np.empty((1, 3)), [[0.0, 0.0, 0.0]]], ids=type)
def test_an_array_that_is_filled_anew_is_another_input(telemetry: Telemetry, buffer: Any) -> None:
    model = RandomForestClassifier(4).fit(X, Y)
    with telemetry.tracer.start_as_current_span("request"):
        for row in X[:50]:
            buffer[0][:] = row
            model.predict(buffer)
            model.predict_proba(buffer)
    assert 100 == telemetry.value("ml.inference.predictions")
    assert 150 == telemetry.value("ml.feature.observations")
    assert 50 == telemetry.value("ml.prediction.classes")
    assert 50 == telemetry.value("ml.prediction.score")


def test_an_input_is_not_held_beyond_its_request(telemetry: Telemetry) -> None:
    model = RandomForestClassifier(4).fit(X, Y)
    row = X[0].copy()
    rows, held = [row], weakref.ref(row)
    with telemetry.tracer.start_as_current_span("request"):
        model.predict(rows)
        model.predict_proba(rows)
    del row, rows
    gc.collect()
    assert held() is None
    assert 3 == telemetry.value("ml.feature.observations")


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_what_is_returned_beside_the_prediction_is_none(telemetry: Telemetry, rows: int) -> None:
    model = BayesianRidge().fit(X, X[:, 1])
    model.predict(X[:rows], return_std=True)
    (point,) = telemetry.points("ml.prediction.value")
    assert rows == point.count
    assert model.predict(X[:rows]).max() == pytest.approx(point.max)


def test_confidence_comes_from_the_inner_call(telemetry: Telemetry) -> None:
    model = RandomForestClassifier(4).fit(X, Y)
    model.predict(X)
    (point,) = telemetry.points("ml.prediction.confidence")
    assert model.predict_proba(X).max(axis=1).sum() == pytest.approx(point.sum)


def test_moments_and_counts_are_those_of_the_rows(telemetry: Telemetry) -> None:
    model = LinearRegression().fit(FRAME, X[:, 1])
    model.predict(FRAME)
    named = {"ml_feature_name": "income"}
    count = telemetry.value("ml.feature.count", **named)
    (total,) = (
        p for p in telemetry.points("ml.feature.sum") if p.attributes["ml.feature.name"] == "income"
    )
    mean = total.attributes["ml.feature.pivot"] + total.value / count
    assert FRAME["income"].mean() == pytest.approx(mean, rel=1e-9)
    assert 200 == telemetry.value("ml.feature.value", **named)
    assert 200 == telemetry.value("ml.prediction.value")


def test_a_failed_call_is_counted_and_its_exception_untouched(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features"):
        model.predict(X[:, :2])
    (span,) = telemetry.spans()
    assert "ValueError" == (span.attributes or {})["error.type"]
    assert "exception" == span.events[0].name
    assert 1 == telemetry.value("ml.inference.duration", error_type="ValueError")
    assert 0 == telemetry.value("ml.feature.observations")
    assert 0 == telemetry.value("ml.inference.active")


def test_missing_and_infinite_values_are_counted(telemetry: Telemetry) -> None:
    frame = FRAME.copy()
    frame.loc[:9, "age"] = np.nan
    frame.loc[:4, "debt"] = np.inf
    model = Third().fit(frame, Y)
    model.predict(frame)
    assert 10 == telemetry.value("ml.data_quality.violations", ml_feature_name="age")
    kinds = {
        p.attributes["ml.data_quality.violation.type"]
        for p in telemetry.points("ml.data_quality.violations")
    }
    assert {"missing", "non_finite"} == kinds
    assert 200 == telemetry.value("ml.feature.observations", ml_feature_name="age")


@pytest.mark.parametrize(
    "data",
    [
        X.tolist(),
        sparse.csr_matrix(X),
        FRAME,
        FRAME.astype("float32"),
        X.astype("float32"),
        np.asfortranarray(X),
    ],
    ids=["list", "sparse", "frame", "frame32", "array32", "fortran"],
)
def test_inputs_of_every_kind_are_read(telemetry: Telemetry, data: Any) -> None:
    model = LogisticRegression().fit(X, Y)
    with pytest.warns() if isinstance(data, pd.DataFrame) else _nothing():
        result = model.predict(data)
    assert (model.predict(X) == result).all()
    assert 600 <= telemetry.value("ml.feature.observations")


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_categories_are_counted_by_name(telemetry: Telemetry, dtype: Any) -> None:
    frame = FRAME.assign(job=pd.Series(np.where(Y, "nurse", "cook")).astype(dtype))
    encoder = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(frame, Y)
    model.predict(frame)
    nurses = telemetry.value("ml.feature.categories", ml_feature_category="nurse")
    assert int(Y.sum()) == nurses
    assert 200 == telemetry.value("ml.feature.observations", ml_feature_name="job")


def test_the_result_is_the_very_object_that_the_model_gave(telemetry: Telemetry) -> None:
    given = np.zeros(3)

    class Fixed(Third):
        def predict(self, X: Any) -> Any:
            return given

    assert Fixed().fit(X, Y).predict(X) is given


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.usefixtures("no_spans")
def test_rows_one_by_one_tell_what_a_batch_tells(telemetry: Telemetry, dtype: type[Any]) -> None:
    rows = (10 * X).astype(dtype)
    model, other = (LogisticRegression().fit(rows, np.where(Y, "yes", "no")) for _ in "ab")
    otelml.name_model(model, "single")
    otelml.name_model(other, "batch")
    buffer = np.empty((3, 3), dtype)
    for each in rows[:100]:
        buffer[:1] = each
        model.predict(buffer[:1])
        model.predict_proba(buffer[:1])
        buffer[:] = 0  # the app's own again
    buffer[:] = rows[100:103]
    model.predict(buffer)
    model.predict(np.asfortranarray(rows[103:]))
    model.predict_proba(rows[100:])
    other.predict(rows)
    other.predict_proba(rows)

    def shown(metric: str, name: str) -> list[Any]:
        return [
            (
                {k: v for k, v in sorted(point.attributes.items()) if k != "ml.model.name"},
                getattr(point, "value", getattr(point, "bucket_counts", None)),
                getattr(point, "positive", None),
            )
            for point in telemetry.points(metric)
            if point.attributes["ml.model.name"] == name
        ]

    for metric in (
        "ml.feature.value",
        "ml.feature.observations",
        "ml.prediction.classes",
        "ml.prediction.score",
        "ml.prediction.confidence",
        "ml.inference.predictions",
    ):
        told = shown(metric, "batch")
        assert told
        assert told == shown(metric, "single")
    assert 203 == telemetry.value("ml.inference.batch.size", ml_model_name="single")


@pytest.mark.usefixtures("no_spans")
def test_a_request_counts_an_input_once_whichever_way_it_is_kept(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, np.where(Y, "yes", "no").astype(object))
    for row in (X[:1], X[1:2]):
        with telemetry.tracer.start_as_current_span("request"):
            model.predict(row)  # gives objects, which are read at once
            model.predict_proba(row)
            model.predict_proba(row)
            model.predict(row)
    assert 6 == telemetry.value("ml.feature.value")
    assert 2 == telemetry.value("ml.prediction.classes")
    assert 2 == telemetry.value("ml.prediction.confidence")
    assert 8 == telemetry.value("ml.inference.predictions")


@pytest.mark.usefixtures("no_spans", "few_rows")
def test_single_rows_beyond_the_bound_are_sampled(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    recorder = _patch.process().recorder
    with recorder._folding:  # whoever folds waits
        for row in X[:, None]:
            model.predict(row)
    kept = telemetry.value("ml.feature.observations", ml_feature_name="x0")
    assert 100 == kept
    assert 200 == kept + telemetry.value("ml.monitor.item.dropped", error_type="buffer_full")
    assert 200 == telemetry.value("ml.inference.predictions")


def test_a_class_pickled_by_value_takes_no_hook_along(telemetry: Telemetry) -> None:
    class Local(Third):
        def predict(self, X: Any, *, shift: int = 0) -> Any:
            return super().predict(X) + shift

    assert ["self", "X", "shift"] == [
        *(spec := inspect.getfullargspec(Local.predict)).args,
        *spec.kwonlyargs,
    ]
    assert "(X: Any, *, shift: int = 0) -> Any" == str(inspect.signature(Local().predict))
    model: Any = Local().fit(X, Y)
    pickled = cloudpickle.dumps(model)
    assert b"Caller" not in pickled
    assert (model.predict(X, shift=1) == cloudpickle.loads(pickled).predict(X, shift=1)).all()


def test_models_pickle_and_clone_as_before(telemetry: Telemetry, tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, Y)
    expected = model.predict(X)
    for other in (
        pickle.loads(pickle.dumps(model)),
        cloudpickle.loads(cloudpickle.dumps(Third().fit(X, Y))),
        copy.deepcopy(model),
        clone(model).fit(X, Y),
    ):
        assert len(expected) == len(other.predict(X))
    assert (pickle.loads(pickle.dumps(model.predict))(X) == expected).all()
    assert (copy.deepcopy(model.predict)(X) == expected).all()
    parallel = joblib.Parallel(n_jobs=2)(joblib.delayed(model.predict)(X) for _ in range(2))
    assert (parallel[0] == expected).all()
    joblib.dump(model, tmp_path / "fraud.joblib")
    loaded = joblib.load(tmp_path / "fraud.joblib")
    loaded.predict(X)
    assert 200 == telemetry.value("ml.inference.predictions", ml_model_name="fraud")
    assert 1 == telemetry.value("ml.model.load.duration", ml_model_name="fraud")


def test_the_app_names_its_models(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    otelml.name_model(model, "churn", "7")
    model.predict(X)
    (span,) = telemetry.spans()
    assert "predict churn" == span.name
    assert "7" == (span.attributes or {})["ml.model.version"]


def test_a_name_holds_from_when_it_is_given(telemetry: Telemetry) -> None:
    """An app may warm up its model before it says what it is."""
    model = LogisticRegression().fit(X, Y)
    model.predict(X[:2])
    for name in ("churn", "fraud"):
        otelml.name_model(model, name)
        model.predict(X[:3])
    assert 3 == telemetry.value("ml.inference.predictions", ml_model_name="churn")
    assert 3 == telemetry.value("ml.inference.predictions", ml_model_name="fraud")
    names = ["LogisticRegression", "churn", "fraud"]
    assert [f"predict {name}" for name in names] == [span.name for span in telemetry.spans()]


def test_models_of_one_name_with_other_features_are_told_apart(telemetry: Telemetry) -> None:
    LogisticRegression().fit(X, Y).predict(X)
    LogisticRegression().fit(X[:, :2], Y).predict(X[:, :2])
    names = {p.attributes["ml.model.name"] for p in telemetry.points("ml.inference.predictions")}
    assert 2 == len(names)
    assert all(name.startswith("LogisticRegression") for name in names)


@pytest.mark.parametrize("data", [X, FRAME], ids=type)
@pytest.mark.parametrize("model", [LogisticRegression(), LinearRegression()], ids=str)
def test_a_model_that_is_called_too_early_keeps_its_name(
    telemetry: Telemetry, model: Any, data: Any
) -> None:
    early = clone(model)
    with pytest.raises(NotFittedError):
        early.predict(data)
    clone(model).fit(data, Y).predict(data)
    early.fit(data, Y).predict(data)
    names = [dict(span.attributes or {})["ml.model.name"] for span in telemetry.spans()]
    assert [type(model).__name__] * 3 == names


def test_suppression_is_obeyed(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    with suppress_instrumentation():
        model.predict(X)
    assert [] == telemetry.spans()
    assert 0 == telemetry.value("ml.inference.predictions")


def test_uninstrumenting_restores_every_method() -> None:
    before = LogisticRegression.__dict__, Third.__dict__["predict"]
    instrumentor = SklearnInstrumentor()
    instrumentor.instrument()
    assert before[1] is not Third.__dict__["predict"]
    instrumentor.uninstrument()
    assert before[1] is Third.__dict__["predict"]
    assert (
        "FunctionWrapper" not in type(vars(RandomForestClassifier.__mro__[1])["predict"]).__name__
    )


def test_threads_lose_and_double_nothing(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model.predict(X[:5]), range(400)))
    assert 2000 == telemetry.value("ml.inference.predictions")
    assert 6000 == telemetry.value("ml.feature.observations")


def test_an_error_of_ours_is_logged_and_not_raised(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    class Hostile:
        shape = property(lambda self: 1 / 0)

        def __array__(self, *args: Any, **kwargs: Any) -> Any:
            return X

    model = Third().fit(X, Y)
    assert 200 == len(model.predict(Hostile()))
    assert 1 == telemetry.value("ml.inference.duration")


def test_a_column_that_changes_its_kind_is_mismatched_and_loses_nothing_else(
    telemetry: Telemetry,
) -> None:
    model = Third().fit(FRAME, Y)
    model.predict(FRAME)
    model.predict(FRAME.assign(debt="much"))
    kinds = {"ml_data_quality_violation_type": "type_mismatch", "ml_feature_name": "debt"}
    assert 200 == telemetry.value("ml.data_quality.violations", **kinds)
    assert 400 == telemetry.value("ml.feature.observations", ml_feature_name="debt")
    assert 400 == telemetry.value("ml.feature.value", ml_feature_name="age")


def test_a_huge_batch_is_sampled_before_it_is_copied(telemetry: Telemetry) -> None:
    model = LinearRegression().fit(X, X[:, 0])
    huge = np.zeros((400_000, 3))
    tracemalloc.start()
    with suppress_instrumentation():
        model.predict(huge)
    bare = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    model.predict(huge)
    hooked = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert hooked < bare + 4e6
    assert 400_000 == telemetry.value("ml.inference.predictions")
    assert 32_768 == telemetry.value("ml.feature.value", ml_feature_name="x2")
    assert 32_768 == telemetry.value("ml.prediction.value")
    dropped = telemetry.value("ml.monitor.item.dropped", error_type="buffer_full")
    assert 400_000 - 32_768 == dropped
