"""A service as anybody writes one: FastAPI and a scikit-learn model, nothing of otelml in it."""

import pandas as pd
from fastapi import FastAPI
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

wine = load_wine(as_frame=True)
model = RandomForestClassifier(50, random_state=0).fit(wine.data, wine.target)
app = FastAPI()


@app.post("/predict")
def predict(rows: list[dict[str, float]]) -> list[int]:
    """Predict the cultivar of wines."""
    classes: list[int] = model.predict(pd.DataFrame(rows)[list(wine.data.columns)]).tolist()
    return classes
