"""Flask: opentelemetry-instrument gunicorn --chdir examples/frameworks flask_server:app"""

from flask import Flask, request
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
app = Flask(__name__)


@app.post("/predict")
def predict():
    return model.predict(request.json).tolist()
