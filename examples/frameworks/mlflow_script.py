"""MLflow: opentelemetry-instrument python examples/frameworks/mlflow_script.py"""

import tempfile

import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(as_frame=True, return_X_y=True)
with tempfile.TemporaryDirectory() as directory:
    fitted = LogisticRegression(max_iter=500).fit(X, y)
    mlflow.sklearn.save_model(fitted, f"{directory}/iris", signature=infer_signature(X, y))
    print(mlflow.pyfunc.load_model(f"{directory}/iris").predict(X[:5]))
