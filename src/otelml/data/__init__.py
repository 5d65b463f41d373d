"""The frozen records that flow through both halves; nothing here computes."""

from otelml.data.finding import Finding, Limits, Verdict, iso
from otelml.data.inference import Block, Inference, Labels, Origin
from otelml.data.key import Key, Model, Role, segment, segment_of
from otelml.data.outcome import Outcomes, Owner, Prediction, Truth
from otelml.data.window import Baseline, Point, Series, Window
from otelml.sketch.kind import Sketch

__all__ = [
    "Baseline",
    "Block",
    "Finding",
    "Inference",
    "Key",
    "Labels",
    "Limits",
    "Model",
    "Origin",
    "Outcomes",
    "Owner",
    "Point",
    "Prediction",
    "Role",
    "Series",
    "Sketch",
    "Truth",
    "Verdict",
    "Window",
    "iso",
    "segment",
    "segment_of",
]
