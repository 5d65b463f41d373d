"""KServe: opentelemetry-instrument python examples/frameworks/kserve_server.py --http_port 8080"""

import kserve
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))


class Iris(kserve.Model):
    def __init__(self):
        super().__init__("iris")
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        return {"predictions": model.predict(payload["instances"]).tolist()}


if __name__ == "__main__":
    options = kserve.model_server.parser.parse_args()
    kserve.ModelServer(http_port=options.http_port, enable_grpc=False).start([Iris()])
