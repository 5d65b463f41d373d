"""scikit-learn beyond classifiers and regressors."""

import asyncio
import copy
import logging
import subprocess
import sys
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from opentelemetry import context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import StatusCode
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otelml
from otelml.data import Labels
from otelml.hooks import _patch
from otelml.hooks.sklearn import SklearnInstrumentor
from otelml.recording.columns import features
from otelml.recording.settings import Settings
from tests.hooks.conftest import Telemetry

X = np.random.default_rng(0).normal(size=(80, 3))
Y = (X[:, 0] > 0).astype(int)


def told(telemetry: Telemetry) -> dict[str, Any]:
    (span,) = telemetry.spans()
    return dict(span.attributes or {})


def test_what_only_transforms(telemetry: Telemetry) -> None:
    PCA(2).fit(X).transform(X)
    assert ("transform", "PCA") == (
        told(telemetry)["ml.operation.name"],
        told(telemetry)["ml.model.name"],
    )
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="x2")


def test_a_transformer_of_frames_gives_frames_and_counts_once(telemetry: Telemetry) -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    assert ["a", "b", "c"] == [*scaler.transform(frame).columns]
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="b")


def test_a_pipeline_of_transformers(telemetry: Telemetry) -> None:
    make_pipeline(StandardScaler(), PCA(2)).fit(X).transform(X)
    assert "Pipeline" == told(telemetry)["ml.model.name"]


def test_outliers(telemetry: Telemetry) -> None:
    model = IsolationForest(n_estimators=5).fit(X)
    assert [] == telemetry.spans()
    model.predict(X)
    model.score_samples(X)
    spans = telemetry.spans()
    assert {"anomaly_detection"} == {dict(s.attributes or {})["ml.task.type"] for s in spans}
    assert 80 == telemetry.value("ml.prediction.classes")
    assert 80 == telemetry.value("ml.prediction.value", ml_output_name="score_samples")


def test_clusters(telemetry: Telemetry) -> None:
    KMeans(3, n_init=1).fit(X).predict(X)
    assert "clustering" == told(telemetry)["ml.task.type"]
    assert 80 == telemetry.value("ml.prediction.classes")


def test_densities_are_beside_the_clusters(telemetry: Telemetry) -> None:
    model = GaussianMixture(2).fit(X)
    clusters, densities = model.predict(X), model.score_samples(X)
    model.predict_proba(X)
    assert clusters.sum() == telemetry.value("ml.prediction.classes", ml_prediction_class="1")
    assert 80 == telemetry.value("ml.prediction.value", ml_output_name="score_samples")
    (total,) = telemetry.points("ml.prediction.sum")
    pivot = total.attributes["ml.feature.pivot"]
    assert densities.sum() == pytest.approx(total.value + 80 * pivot)
    assert [] == telemetry.points("ml.data_quality.violations")


def test_several_outputs(telemetry: Telemetry) -> None:
    RandomForestRegressor(3).fit(X, X[:, :2]).predict(X)
    assert 80 == telemetry.value("ml.prediction.value", ml_output_name="y1")
    model = RandomForestClassifier(3).fit(X, np.column_stack([Y, 1 - Y]))
    model.predict_proba(X)
    assert 80 == telemetry.value("ml.prediction.score", ml_output_name="y1")


@pytest.mark.parametrize("mixins", [(BaseEstimator, RegressorMixin), (BaseEstimator,)])
@pytest.mark.parametrize("rows", [1, 80])
def test_numbers_of_what_does_not_say_that_it_is_a_regressor(
    telemetry: Telemetry, mixins: tuple[type, ...], rows: int
) -> None:
    halved = type("Halved", mixins, {"predict": lambda _, X: X[:, 0] / 2})
    halved().predict(X[:rows])
    assert rows == telemetry.value("ml.prediction.value")
    assert [] == telemetry.points("ml.prediction.classes")


def test_classes_that_are_no_numbers_of_a_regression(telemetry: Telemetry) -> None:
    class Floats(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def predict(self, X: Any) -> Any:
            return np.where(X[:, 0] > 0, 1.0, 0.0)

    Floats().predict(X)
    assert 80 == telemetry.value("ml.prediction.classes")


def test_classes_that_are_a_list(telemetry: Telemetry) -> None:
    class Listed(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self) -> None:
            self.classes_ = ["no", "yes"]

        def predict_proba(self, X: Any) -> Any:
            return np.tile([0.3, 0.7], (len(X), 1))

    Listed().predict_proba(X)
    assert "binary_classification" == told(telemetry)["ml.task.type"]
    assert 80 == telemetry.value("ml.prediction.classes", ml_prediction_class="yes")


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier((3,), max_iter=3),
        make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())),
        ClassifierChain(LogisticRegression()),
        RandomForestClassifier(3),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_several_labels_of_a_row(telemetry: Telemetry, model: Any, labels: int) -> None:
    model.fit(X, (X[:, :labels] > 0).astype(int))
    given = model.predict_proba(X[:9])
    second = [m[:, 1] for m in given] if isinstance(given, list) else [*given.T]
    assert "ml.task.type" not in told(telemetry)
    assert labels * 9 == telemetry.value("ml.prediction.classes")
    scores = telemetry.points("ml.prediction.score")
    assert [p.sum for p in scores] == pytest.approx([each.sum() for each in second])
    assert [f"y{i}" for i in range(labels)] == [p.attributes["ml.output.name"] for p in scores]


def test_margins_of_several_labels_are_no_numbers_predicted(telemetry: Telemetry) -> None:
    model = ClassifierChain(LogisticRegression()).fit(X, (X[:, :2] > 0).astype(int))
    model.decision_function(X)
    assert 80 == telemetry.value("ml.inference.predictions")
    assert [] == telemetry.points("ml.prediction.value")


def test_logarithms_of_probabilities(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    model.predict_log_proba(X)
    (point,) = telemetry.points("ml.prediction.score")
    assert model.predict_proba(X)[:, 1].sum() == pytest.approx(point.sum)


@pytest.mark.parametrize("rows", [1, 80])
def test_an_app_whose_numpy_raises(telemetry: Telemetry, rows: int) -> None:
    given = np.tile([1e-200, 1e200, -1e308], (rows, 100))

    class Certain(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        classes_ = np.array(["no", "maybe", "yes"])

        def predict_log_proba(self, X: Any) -> Any:
            return np.tile([0.0, -1000.0, -np.inf], (len(X), 1))

    with np.errstate(all="raise"):
        for columns in (3, 300):
            Certain().predict_log_proba(given[:, :columns])
        assert 2 * rows == telemetry.value("ml.prediction.classes", ml_prediction_class="no")
    assert 0 == telemetry.value("ml.monitor.item.dropped")


def test_uninstrumenting_keeps_what_others_wrapped() -> None:
    instrumentor = SklearnInstrumentor()
    instrumentor.instrument()

    class Late(StandardScaler):  # type: ignore[misc]
        """Its transform is wrapped by scikit-learn, around ours."""

        def transform(self, X: Any, copy: Any = None) -> Any:
            return super().transform(X, copy)

    instrumentor.uninstrument()
    late = Late().set_output(transform="pandas").fit(pd.DataFrame(X))
    assert isinstance(late.transform(pd.DataFrame(X)), pd.DataFrame)


def test_polars(telemetry: Telemetry) -> None:
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    RandomForestClassifier(3).fit(frame, Y).predict(frame)
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="b")
    mixed = pl.DataFrame({"job": ["clerk", None], "age": [3, 4]})
    age, job = features(mixed, None, frozenset(), 10)
    assert (("age",), ("clerk", None)) == tuple(
        c[2 if isinstance(c, Labels) else 1] for c in (age, job)
    )


def test_an_estimator_of_which_nothing_can_be_asked(telemetry: Telemetry) -> None:
    class Silent(BaseEstimator):  # type: ignore[misc]
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

        def predict(self, X: Any) -> Any:
            return X[:, 0]

    Silent().predict(X)
    assert "Silent" == told(telemetry)["ml.model.name"]
    assert 80 == telemetry.value("ml.feature.value", ml_feature_name="x0")


def test_arrays_in_a_column_are_columns(telemetry: Telemetry) -> None:
    class Given(BaseEstimator):  # type: ignore[misc]
        def predict(self, X: Any) -> Any:
            return np.zeros(len(X))

    vectors = pl.Series(X[:, :2].tolist(), dtype=pl.Array(pl.Float64, 2))
    pairs = pl.Series([{"low": 1, "high": 2}] * 80)
    Given().predict(pl.DataFrame({"age": X[:, 2], "vector": vectors, "pair": pairs}))
    told = {p.attributes["ml.feature.name"] for p in telemetry.points("ml.feature.value")}
    assert {"age", "vector_0", "vector_1", "pair_0", "pair_1"} == told


def test_a_column_that_numpy_cannot_hold_costs_no_other(telemetry: Telemetry) -> None:
    class Given(BaseEstimator):  # type: ignore[misc]
        def predict(self, X: Any) -> Any:
            return np.zeros(len(X))

    Given().predict(pl.DataFrame({"age": [3, 4], "id": pl.Series([1, 2**100], dtype=pl.Int128)}))
    assert 2 == telemetry.value("ml.feature.observations", ml_feature_name="age")
    assert 2 == telemetry.value("ml.monitor.item.dropped", error_type="not_readable")


def test_skops(telemetry: Telemetry, tmp_path: Path) -> None:
    skops.io.dump(LogisticRegression().fit(X, Y), tmp_path / "risk.skops")
    skops.io.load(tmp_path / "risk.skops", trusted=[]).predict(X)
    assert ["load risk", "predict risk"] == [span.name for span in telemetry.spans()]


def test_an_unsupported_version_is_told_once_and_left_bare(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hook = SklearnInstrumentor()
    hook.uninstrument()
    monkeypatch.setattr(SklearnInstrumentor, "supported", ">=99")
    with caplog.at_level(logging.WARNING, "otelml"):
        hook.instrument()
    LinearRegression().fit(X, Y).predict(X)
    (record,) = caplog.records
    assert "scikit-learn" in record.message
    assert ">=99" in record.message
    assert [] == telemetry.spans()


class Base(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator of somebody else's."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def _above(self, X: Any, limit: float = 0) -> Any:
        return (np.asarray(X)[:, 0] > limit).astype(int)


class Above:
    """A method that is no function, and binds to nothing."""

    def __call__(self, X: Any) -> Any:
        return (np.asarray(X)[:, 0] > 0).astype(int)


def bare(function: Any) -> Any:
    """A decorator that hides the name of what it decorates."""

    def wrapper(self: Any, X: Any) -> Any:
        return function(self, X)

    return wrapper


@pytest.mark.parametrize(
    "method",
    [
        partialmethod(Base._above, limit=0),
        pytest.param(  # Python 3.13 and later
            partial(Above()), marks=pytest.mark.filterwarnings("ignore:functools.partial will be")
        ),
        Above(),
        bare(Base._above),
    ],
    ids=["partialmethod", "partial", "callable", "decorated"],
)
def test_a_method_is_recorded_by_the_name_of_its_attribute(
    telemetry: Telemetry, method: Any
) -> None:
    model = type("Odd", (Base,), {"predict": method})().fit(X, Y)
    assert Y.tolist() == model.predict(X).tolist()
    assert ("predict", "Odd") == (
        told(telemetry)["ml.operation.name"],
        told(telemetry)["ml.model.name"],
    )
    assert 80 == telemetry.value("ml.prediction.classes")


def test_a_method_without_a_name_pickles(telemetry: Telemetry) -> None:
    model = type("Odd", (Base,), {"predict": partialmethod(Base._above, limit=0)})().fit(X, Y)
    copied = cloudpickle.loads(cloudpickle.dumps(model))
    assert Y.tolist() == copied.predict(X).tolist()
    assert Y.tolist() == copy.deepcopy(model.predict)(X).tolist()


def test_a_property_is_not_read(telemetry: Telemetry) -> None:
    read = []

    class Odd(TransformerMixin, BaseEstimator):  # type: ignore[misc]
        @property
        def predict(self) -> Any:
            read.append(self)
            raise ValueError("not ready")

        def transform(self, X: Any) -> Any:
            return X

    assert X is Odd().transform(X)
    assert [] == read


class Failing(SpanProcessor):
    """A processor of the app's that fails."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise RuntimeError("a processor")


def test_a_span_that_cannot_start_leaves_the_call_alone(telemetry: Telemetry) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(Failing())
    _patch.process().attach(None, tracers)
    model = LinearRegression().fit(X, X[:, 0])
    here = context.get_current()
    assert X[:, 0] == pytest.approx(model.predict(X))
    assert here is context.get_current()
    assert 0 == telemetry.value("ml.inference.active")


EARLY = """
from sklearn.model_selection import cross_val_predict, cross_validate, learning_curve
from sklearn.model_selection import permutation_test_score, validation_curve
import numpy as np
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sklearn.linear_model import SGDClassifier
from otelml.hooks.sklearn import SklearnInstrumentor
reader = InMemoryMetricReader()
SklearnInstrumentor().instrument(meter_provider=MeterProvider([reader]))
X = np.random.default_rng(0).normal(size=(60, 2))
y = (X[:, 0] > 0).astype(int)
model = SGDClassifier()
cross_validate(model, X, y, cv=2)
cross_validate(model, X, y, cv=2, n_jobs=2)
cross_val_predict(model, X, y, cv=2)
learning_curve(model, X, y, cv=2, train_sizes=[0.5])
learning_curve(model, X, y, cv=2, train_sizes=[0.5, 1.0], exploit_incremental_learning=True)
permutation_test_score(model, X, y, cv=2, n_permutations=2)
validation_curve(model, X, y, param_name="alpha", param_range=[1e-4], cv=2)
assert reader.get_metrics_data() is None
"""


LATE = """
import joblib
import numpy as np
from otelml.hooks.sklearn import SklearnInstrumentor
SklearnInstrumentor().instrument()
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
SklearnInstrumentor().uninstrument()
X = np.random.default_rng(0).normal(size=(60, 2))
for backend in ("loky", "multiprocessing"):
    with joblib.parallel_config(backend, n_jobs=2):
        GridSearchCV(SGDClassifier(), {"alpha": [1e-4]}, cv=2).fit(X, X[:, 0] > 0)
"""


@pytest.mark.parametrize("app", [EARLY, LATE], ids=["early", "late"])
def test_validation_works_and_is_no_inference_whenever_it_is_imported(app: str) -> None:
    subprocess.run([sys.executable, "-c", app], check=True, timeout=120)


def test_models_that_a_model_asks_in_threads_are_within_it(telemetry: Telemetry) -> None:
    inner = [LogisticRegression().fit(X, Y) for _ in range(4)]

    class Parallel(Base):
        def predict(self, X: Any) -> Any:
            votes = joblib.Parallel(n_jobs=2, prefer="threads")(
                joblib.delayed(each.predict)(X) for each in inner
            )
            return votes[0]

    Parallel().fit(X, Y).predict(X)
    assert "Parallel" == told(telemetry)["ml.model.name"]


def test_an_error_without_a_text_ends_its_span(telemetry: Telemetry) -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError("no text")

    class Failed(Base):
        def predict(self, X: Any) -> Any:
            raise Mute

    with pytest.raises(Mute):
        Failed().fit(X, Y).predict(X)
    (span,) = telemetry.spans()
    assert Mute.__qualname__ == (span.attributes or {})["error.type"]
    assert StatusCode.ERROR is span.status.status_code


@pytest.mark.parametrize("kind", [np.array, lambda rows: tuple(map(tuple, rows.tolist()))])
def test_huge_batches_that_are_cut_after_they_are_read(telemetry: Telemetry, kind: Any) -> None:
    model = RandomForestClassifier(1, max_depth=1).fit(X, (X[:, :2] > 0).astype(int))
    many = np.tile(X, (500, 1))
    model.predict_proba(kind(many))
    left_out = telemetry.value("ml.monitor.item.dropped", error_type="buffer_full")
    assert 0 < left_out < len(many)
    assert len(many) == telemetry.value("ml.inference.predictions")
    assert 0 == telemetry.value("ml.inference.active")
    kept = len(many) - left_out
    assert kept == telemetry.value("ml.feature.observations", ml_feature_name="x0")
    assert kept == telemetry.value("ml.prediction.score", ml_output_name="y1")
    assert 1 == len(telemetry.spans())


def test_what_awaits_is_recorded_when_it_is_over(telemetry: Telemetry) -> None:
    inner = LinearRegression().fit(X, Y)

    class Awaiting(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        async def predict(self, X: Any) -> Any:
            if len(X) < 3:
                raise ValueError("too few")
            return await asyncio.to_thread(inner.predict, X)

    model = Awaiting()

    async def all_of_them() -> list[Any]:
        asked = (model.predict(X[:rows]) for rows in (2, 30, 40))
        return await asyncio.gather(*asked, return_exceptions=True)

    error, *given = asyncio.run(all_of_them())
    assert ("too few",) == error.args
    assert 70 == telemetry.value("ml.inference.predictions")
    assert 70 == telemetry.value("ml.feature.value", ml_feature_name="x0")
    assert 70 == telemetry.value("ml.prediction.value", ml_model_name="Awaiting")
    (total,) = telemetry.points("ml.prediction.sum")
    summed = total.value + 70 * total.attributes["ml.feature.pivot"]
    assert np.concatenate(given).sum() == pytest.approx(summed)
    assert ["predict Awaiting"] * 3 == [span.name for span in telemetry.spans()]
    assert 1 == telemetry.value("ml.inference.duration", error_type="ValueError")
    assert 0 == telemetry.value("ml.inference.active")


def test_spans_can_be_sent_whatever_models_and_errors_are_called(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Failed(Base):
        def predict(self, X: Any) -> Any:
            raise ValueError("\ud83d")

    model, other, odd = (LinearRegression().fit(X, Y) for _ in range(3))
    otelml.name_model(model, "named \ud83d", "3 \ud83d")
    model.predict(X)
    file = str(tmp_path / "loaded \udcff.joblib")
    joblib.dump(other, file)
    joblib.load(file).predict(X)
    with otelml.inference("told \ud83d", features=X) as call:
        call.prediction = Y
    with pytest.raises(ValueError, match="\ud83d"):
        Failed().fit(X, Y).predict(X)
    monkeypatch.setenv("OTELML_MODEL_NAME", "given \udcff")
    monkeypatch.setattr(_patch.process(), "settings", Settings.read())
    odd.predict(X)
    sent = encode_spans(telemetry.spans()).resource_spans[0].scope_spans[0].spans
    assert [
        "predict named ?",
        "load loaded ?",
        "predict loaded ?",
        "predict told ?",
        "predict Failed",
        "predict given ?",
    ] == [span.name for span in sent]


def test_a_number_beyond_all_digits_counts_as_not_set() -> None:
    assert 100 == Settings.read({"OTELML_MAX_FEATURES": "9" * 5_000}).max_features


@pytest.mark.parametrize("classes", [3, iter("ab"), None], ids=["int", "iterator", "raising"])
def test_odd_classes_are_left_out(telemetry: Telemetry, classes: Any) -> None:
    class Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        feature_names_in_ = 7

        @property
        def classes_(self) -> Any:
            if classes is None:
                raise ValueError("not ready")
            return classes

        def predict(self, X: Any) -> Any:
            return Y

    Odd().predict(X)
    assert "Odd" == told(telemetry)["ml.model.name"]
    assert 80 == telemetry.value("ml.prediction.classes")


def test_rows_without_probabilities_have_no_class(telemetry: Telemetry) -> None:
    class Partly(Base):
        def predict_proba(self, X: Any) -> Any:
            return np.where(np.arange(len(X))[:, None] < 30, np.nan, [[0.2, 0.8]])

    Partly().fit(X, Y).predict_proba(X)
    assert 50 == telemetry.value("ml.prediction.classes", ml_prediction_class="1")
    assert 0 == telemetry.value("ml.prediction.classes", ml_prediction_class="0")


def test_sparse_predictions(telemetry: Telemetry) -> None:
    wanted = sparse.csr_matrix(np.column_stack([Y, 1 - Y]))
    OneVsRestClassifier(LogisticRegression()).fit(X, wanted).predict(X)
    assert 160 == telemetry.value("ml.prediction.classes")


def test_a_method_of_the_class_takes_its_instance_by_keyword(telemetry: Telemetry) -> None:
    model = LogisticRegression().fit(X, Y)
    expected = model.predict(X).tolist()
    assert expected == LogisticRegression.predict(self=model, X=X).tolist()


def test_inputs_of_another_name(telemetry: Telemetry) -> None:
    class Own(Base):
        def predict(self, frame: Any, threshold: float = 0.5) -> Any:
            return frame[:, 0] > threshold

    Own().fit(X, Y).predict(frame=X, threshold=0.1)
    assert len(X) == telemetry.value("ml.inference.predictions")
    assert len(X) == telemetry.value("ml.feature.count", ml_feature_name="x0")
