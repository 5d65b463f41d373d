"""CatBoost: opentelemetry-instrument python examples/frameworks/catboost_script.py"""

import catboost as cb
from sklearn.datasets import load_wine

X, y = load_wine(as_frame=True, return_X_y=True)
model = cb.CatBoostClassifier(iterations=10, verbose=0, allow_writing_files=False).fit(X, y)
print(model.predict(X[:5]))
