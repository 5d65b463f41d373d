"""PyCaret: opentelemetry-instrument python examples/frameworks/pycaret_script.py"""

from pycaret.classification import ClassificationExperiment
from sklearn.datasets import load_iris

frame = load_iris(as_frame=True).frame
experiment = ClassificationExperiment()
experiment.setup(
    frame, target="target", verbose=False, html=False, session_id=1, n_jobs=1, system_log=False
)
model = experiment.create_model("lr", verbose=False)
print(experiment.predict_model(model, data=frame.drop(columns="target")[:5], verbose=False))
