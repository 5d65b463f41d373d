"""Model calls within Flask's requests."""

from typing import Any

import numpy as np
from flask import Flask, request
from sklearn.linear_model import LogisticRegression

from tests.hooks.conftest import Telemetry

X = np.random.default_rng(0).normal(size=(60, 2))
MODEL = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))


def test_the_route_and_the_request_are_told(telemetry: Telemetry) -> None:
    app = Flask("under-test")

    def predict(name: str) -> Any:
        return MODEL.predict(np.asarray(request.json)).tolist()

    app.add_url_rule("/models/<name>", view_func=predict, methods=["POST"])

    answer = app.test_client().post("/models/churn", json=[[1, 2]], headers={"x-request-id": "r5"})
    assert 200 == answer.status_code
    (span,) = telemetry.spans()
    told = dict(span.attributes or {})
    assert ("/models/<name>", "r5") == (told["http.route"], told["ml.inference.id"])
