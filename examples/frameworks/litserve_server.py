"""LitServe: opentelemetry-instrument python examples/frameworks/litserve_server.py [PORT]"""

import sys

import litserve as ls
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


class Iris(ls.LitAPI):
    def setup(self, device):
        self.model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))

    def decode_request(self, request):
        return request["rows"]

    def predict(self, rows):
        return self.model.predict(rows)

    def encode_response(self, output):
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    ls.LitServer(Iris(), accelerator="cpu").run(port=port, generate_client_file=False)
