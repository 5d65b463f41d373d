"""OpenTelemetry for classic machine-learning models.

`opentelemetry-instrument python app.py` needs nothing of this module; it holds what an app may say.
"""

import importlib
from typing import TYPE_CHECKING, Any

from otelml.names import VERSION

if TYPE_CHECKING:
    from otelml.hooks._alike import instrument_model
    from otelml.hooks._shadow import shadow
    from otelml.hooks.labels import inference_id, label
    from otelml.hooks.manual import inference, record
    from otelml.recording.naming import name_model

__all__ = [
    "__version__",
    "inference",
    "inference_id",
    "instrument_model",
    "label",
    "name_model",
    "record",
    "shadow",
]

__version__ = VERSION

_HOMES = {
    "inference": "otelml.hooks.manual",
    "inference_id": "otelml.hooks.labels",
    "instrument_model": "otelml.hooks._alike",
    "label": "otelml.hooks.labels",
    "record": "otelml.hooks.manual",
    "shadow": "otelml.hooks._shadow",
    "name_model": "otelml.recording.naming",
}


def __getattr__(name: str) -> Any:
    """What is asked for: the processor and the command need none of the app's half."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
