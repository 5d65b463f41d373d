"""A service as anybody writes one: FastAPI and a trained pipeline, nothing of otelml in it."""

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI

model = joblib.load(os.environ["LENDING_MODEL"])
app = FastAPI()


@app.post("/score")
def score(rows: list[dict[str, Any]]) -> list[float]:
    """Probabilities that loans are granted; the pipeline takes the columns that it knows."""
    granted: list[float] = model.predict_proba(pd.DataFrame(rows))[:, 1].tolist()
    return granted
