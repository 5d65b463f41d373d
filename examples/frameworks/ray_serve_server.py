"""Ray Serve: opentelemetry-instrument python examples/frameworks/ray_serve_server.py [PORT]"""

import signal
import sys

import ray
from ray import serve
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Iris:
    def __init__(self):
        self.model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))

    async def __call__(self, request):
        return self.model.predict(await request.json()).tolist()


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    serve.start(http_options={"port": int(sys.argv[1]) if len(sys.argv) > 1 else 8000})
    serve.run(Iris.bind(), route_prefix="/predict")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    serve.shutdown()
    ray.shutdown()
