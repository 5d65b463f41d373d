"""scikit-learn: opentelemetry-instrument python examples/frameworks/sklearn_script.py"""

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

X, y = load_iris(as_frame=True, return_X_y=True)
model = RandomForestClassifier(20).fit(X, y)
print(model.predict(X[:5]))
