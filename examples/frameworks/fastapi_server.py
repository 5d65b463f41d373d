"""FastAPI: opentelemetry-instrument uvicorn --app-dir examples/frameworks fastapi_server:app"""

from fastapi import FastAPI
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
app = FastAPI()


@app.post("/predict")
def predict(rows: list[list[float]]):
    return model.predict(rows).tolist()
