"""What every entry point must do, against every framework that this environment has.

`CASES` makes a model and gives a call that works and one that fails, by framework.
"""

import asyncio
import importlib.util
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.hooks import _patch
from otelml.hooks._reader import Reader
from tests.hooks.conftest import HOOKS, ROOT, Telemetry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


class Case(NamedTuple):
    """A call that works, and one that raises in the framework."""

    works: Callable[[], Any]
    fails: Callable[[], Any]
    operation: str = "predict"


def _sklearn(_: Path) -> Case:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(X, Y)
    return Case(lambda: model.predict(X), lambda: model.predict(X[:, :1]))


def _forest(_: Path) -> Case:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(4, n_jobs=2, random_state=0).fit(X, Y)
    return Case(lambda: model.predict_proba(X), lambda: model.predict_proba("x"), "predict_proba")


def _transformer(_: Path) -> Case:
    from sklearn.decomposition import PCA

    model = PCA(2).fit(X)
    return Case(lambda: model.transform(X), lambda: model.transform(X[:, :1]), "transform")


def _xgboost(_: Path) -> Case:
    import xgboost as xgb

    model = xgb.XGBClassifier(n_estimators=2).fit(X, Y)
    return Case(lambda: model.predict(X), lambda: model.predict(X[:, :1]))


def _booster(_: Path) -> Case:
    import xgboost as xgb

    model = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(X, label=Y), 2)
    return Case(lambda: model.predict(xgb.DMatrix(X)), lambda: model.predict(X))


def _lightgbm(_: Path) -> Case:
    import lightgbm as lgb

    model = lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X, Y), 2)
    return Case(lambda: model.predict(X), lambda: model.predict(X[:, :1]))


def _catboost(_: Path) -> Case:
    import catboost as cb

    model = cb.CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False).fit(X, Y)
    return Case(lambda: model.predict(X), lambda: model.predict(X[:, :1]))


def _onnxruntime(_: Path) -> Case:
    import onnxruntime as ort
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    made = to_onnx(LinearRegression().fit(X, Y), X[:1].astype("f4")).SerializeToString()
    session = ort.InferenceSession(made, providers=["CPUExecutionProvider"])
    feed = {"X": X.astype("f4")}
    return Case(lambda: session.run(None, feed), lambda: session.run(None, {"X": X}))


def _statsmodels(_: Path) -> Case:
    import statsmodels.api as sm

    fitted = sm.OLS(Y, X).fit()
    return Case(lambda: fitted.predict(X), lambda: fitted.predict(X[:, :1]))


def _torch(_: Path) -> Case:
    import torch

    class Scorer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

    model = Scorer().eval()
    batch = torch.tensor(X, dtype=torch.float32)
    return Case(lambda: model(batch).detach(), lambda: model(batch[:, :1]))


def _keras(_: Path) -> Case:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    batch = X.astype("f4")
    return Case(
        lambda: model.predict(batch, verbose=0), lambda: model.predict(batch[:, :1], verbose=0)
    )


def _tensorflow(tmp_path: Path) -> Case:
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.export(str(tmp_path / "exported"), verbose=False)
    serve = tf.saved_model.load(str(tmp_path / "exported")).signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    batch = tf.constant(X.astype("f4"))
    return Case(
        lambda: next(iter(serve(**{name: batch}).values())).numpy(),
        lambda: serve(**{name: tf.constant("x")}),
    )


def _mlflow(tmp_path: Path) -> Case:
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    signature = infer_signature(frame, Y)
    fitted = LogisticRegression().fit(frame, Y)
    mlflow.sklearn.save_model(fitted, tmp_path / "churn", signature=signature)
    model = mlflow.pyfunc.load_model(str(tmp_path / "churn"))
    return Case(lambda: model.predict(frame), lambda: model.predict(frame[["a"]]))


def _kserve(_: Path) -> Case:
    import kserve

    class Plain(kserve.Model):  # type: ignore[misc]
        def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
            return {"predictions": [sum(row) for row in payload["instances"]]}

    model = Plain("plain")
    model.ready = True
    works = {"instances": X.tolist()}
    return Case(
        lambda: asyncio.run(model(works))[0]["predictions"],
        lambda: asyncio.run(model({"instances": [3]})),
    )


def _bare_transformers(_: Path) -> Case:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, pipelines

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good"]
    config = BertConfig(
        vocab_size=6,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    model = BertForSequenceClassification(config).eval()
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    pipe = pipelines.pipeline("text-classification", model=model, tokenizer=tokenizer, device=-1)
    return Case(lambda: [row["score"] for row in pipe(["good", "good"])], lambda: pipe([3]))


CASES = {
    "sklearn": ("sklearn", _sklearn),
    "sklearn forest": ("sklearn", _forest),
    "sklearn transformer": ("sklearn", _transformer),
    "xgboost": ("xgboost", _xgboost),
    "xgboost booster": ("xgboost", _booster),
    "lightgbm": ("lightgbm", _lightgbm),
    "catboost": ("catboost", _catboost),
    "onnxruntime": ("onnxruntime", _onnxruntime),
    "statsmodels": ("statsmodels", _statsmodels),
    "torch": ("torch", _torch),
    "transformers": ("transformers", _bare_transformers),
    "keras": ("keras", _keras),
    "tensorflow": ("tensorflow", _tensorflow),
    "mlflow": ("mlflow", _mlflow),
    "kserve": ("kserve", _kserve),
}
HERE = [name for name, (module, _) in CASES.items() if importlib.util.find_spec(module)]


@pytest.fixture(params=HERE)
def made(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[], Case]:
    monkeypatch.setenv("OTELML_TORCH_MODULES", "Scorer")
    return lambda: CASES[request.param][1](tmp_path)


@pytest.fixture
def case(made: Callable[[], Case], telemetry: Telemetry) -> Case:
    found = made()
    telemetry.exporter.clear()
    return found


def same(left: Any, right: Any) -> None:
    """Equal results of the same types."""
    assert type(left) is type(right)
    np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


def test_results_are_as_without_the_hooks(case: Case, telemetry: Telemetry) -> None:
    hooked = case.works()
    with suppress_instrumentation():
        bare = case.works()
    same(bare, hooked)


def test_a_call_counts_once(case: Case, telemetry: Telemetry) -> None:
    case.works()
    assert [case.operation] == [span.name.split()[0] for span in telemetry.spans()]
    assert 1 == telemetry.value("ml.inference.duration")
    assert 0 == telemetry.value("ml.inference.active")


def test_the_exception_is_the_frameworks_own(case: Case, telemetry: Telemetry) -> None:
    with suppress_instrumentation(), pytest.raises(Exception) as bare:
        case.fails()
    with pytest.raises(Exception) as hooked:
        case.fails()
    assert (bare.type, str(bare.value)) == (hooked.type, str(hooked.value))
    assert 1 == telemetry.value("ml.inference.duration", error_type=bare.type.__qualname__)
    assert 0 == telemetry.value("ml.feature.observations")


def test_suppression_is_obeyed(case: Case, telemetry: Telemetry) -> None:
    with suppress_instrumentation():
        case.works()
    assert [] == telemetry.spans()
    assert [] == telemetry.points("ml.inference.duration")


def test_an_error_of_ours_is_counted_and_not_raised(
    case: Case,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with suppress_instrumentation():
        bare = case.works()

    def broken(*_: Any) -> Any:
        raise RuntimeError("ours")

    for cls in [Reader, *subclasses(Reader)]:
        if "inputs" in vars(cls):
            monkeypatch.setattr(cls, "inputs", broken)
    with caplog.at_level(logging.WARNING, "otelml"):
        same(bare, case.works())
        case.works()
        dropped = telemetry.value("ml.monitor.item.dropped", error_type="not_readable")
    assert 0 < dropped  # by now all is read
    assert 1 == sum("failed" in record.message for record in caplog.records)
    assert 2 == telemetry.value("ml.inference.duration")


def subclasses(cls: type[Any]) -> list[type[Any]]:
    return [one for sub in cls.__subclasses__() for one in (sub, *subclasses(sub))]


def test_uninstrumenting_stops_recording(case: Case, telemetry: Telemetry) -> None:
    for hook in HOOKS:
        hook().uninstrument()
    case.works()
    assert [] == telemetry.spans()
    for hook in HOOKS:
        assert {} == hook()._patches._table


def test_it_works_without_an_sdk(made: Callable[[], Case]) -> None:
    _patch._process = None
    for hook in HOOKS:
        hook().instrument()
    try:
        made().works()
    finally:
        for hook in HOOKS:
            hook().uninstrument()
        _patch.process().bridge.detach()


def test_loading_the_hooks_imports_no_framework() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.hooks.conftest import HOOKS
for hook in HOOKS:
    hook().instrument()
names = {{name for hook in HOOKS for name in hook.modules}}
print(sorted(names & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "[]" == done.stdout.strip()
