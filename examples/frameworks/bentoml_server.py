"""BentoML: cd examples/frameworks && opentelemetry-instrument bentoml serve bentoml_server:Iris"""

import bentoml
import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


@bentoml.service
class Iris:
    def __init__(self):
        self.model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))

    @bentoml.api(batchable=True)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict(rows)
