"""A handler of sagemaker-inference, called as the front end calls it:
opentelemetry-instrument python examples/frameworks/sagemaker_script.py
"""

import json

from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
from sagemaker_inference.transformer import Transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


class Handler(DefaultInferenceHandler):
    def default_model_fn(self, model_dir):
        return LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))

    def default_predict_fn(self, data, model):
        return model.predict(data)


class Request:
    def get_request_properties(self):
        return {"Content-Type": "application/json", "Accept": "application/json"}


class Context:
    system_properties = {"model_dir": "."}
    request_processor = [Request()]

    def set_response_content_type(self, *_):
        pass


body = json.dumps([[5.1, 3.5, 1.4, 0.2]]).encode()
print(Transformer(Handler()).transform([{"body": body}], Context()))
