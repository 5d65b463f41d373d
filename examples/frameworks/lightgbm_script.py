"""LightGBM: opentelemetry-instrument python examples/frameworks/lightgbm_script.py"""

import lightgbm as lgb
from sklearn.datasets import load_breast_cancer

X, y = load_breast_cancer(as_frame=True, return_X_y=True)
model = lgb.LGBMClassifier(n_estimators=10, verbose=-1).fit(X, y)
print(model.predict(X[:5]))
