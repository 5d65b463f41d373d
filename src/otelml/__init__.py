"""OpenTelemetry for classic machine-learning models.

`opentelemetry-instrument python app.py` needs nothing of this module; it holds what an app may say.
"""

from importlib.metadata import version

from otelml.record.naming import name_model

__version__ = version("otelml")

__all__ = ["__version__", "name_model"]
