"""A SavedModel: opentelemetry-instrument python examples/frameworks/tensorflow_script.py"""

import tempfile

import keras
import numpy as np
import tensorflow as tf

model = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(3)])
with tempfile.TemporaryDirectory() as directory:
    model.export(f"{directory}/iris/1", verbose=False)
    serve = tf.saved_model.load(f"{directory}/iris/1").signatures["serving_default"]
    print(serve(x=tf.constant(np.ones((5, 4), "float32"))))
