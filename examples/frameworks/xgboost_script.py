"""XGBoost: opentelemetry-instrument python examples/frameworks/xgboost_script.py"""

import xgboost as xgb
from sklearn.datasets import load_breast_cancer

X, y = load_breast_cancer(as_frame=True, return_X_y=True)
booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(X, label=y), 10)
print(booster.predict(xgb.DMatrix(X[:5])))
