"""Keras: opentelemetry-instrument python examples/frameworks/keras_script.py"""

import keras
import numpy as np

model = keras.Sequential(
    [keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="iris"
)
print(model.predict(np.random.default_rng(0).normal(size=(5, 4)), verbose=0))
