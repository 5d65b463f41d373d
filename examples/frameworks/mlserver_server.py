"""MLServer, of a repository that is made here:
opentelemetry-instrument python examples/frameworks/mlserver_server.py [PORT]
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
root = Path(tempfile.mkdtemp())
joblib.dump(LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True)), root / "iris.joblib")
model = {"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel"}
model["parameters"] = {"uri": "./iris.joblib", "version": "1"}
(root / "model-settings.json").write_text(json.dumps(model))
ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
(root / "settings.json").write_text(json.dumps(ports))
os.execvp("mlserver", ["mlserver", "start", str(root)])
