"""A model that no hook covers:
opentelemetry-instrument python examples/frameworks/manual_script.py
"""

import numpy as np

import otelml

rows = np.random.default_rng(0).normal(size=(5, 2))

with otelml.inference("rules", features=rows, names=["age", "debt"], version="1") as call:
    call.prediction = np.where(rows[:, 1] > 0, "refuse", "grant")


@otelml.inference("score", task="regression", names=["age", "debt"])
def score(rows):
    return rows @ [0.3, -0.7]


print(call.prediction, score(rows))
