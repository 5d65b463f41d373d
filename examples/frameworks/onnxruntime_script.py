"""ONNX Runtime: opentelemetry-instrument python examples/frameworks/onnxruntime_script.py"""

import onnxruntime as ort
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True)
X = X.astype("float32")
onnx = to_onnx(LogisticRegression(max_iter=500).fit(X, y), X[:1]).SerializeToString()
session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
print(session.run(None, {"X": X[:5]})[0])
