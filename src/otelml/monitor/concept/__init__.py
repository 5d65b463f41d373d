"""Concept drift: detectors on the stream of a model's errors, one a file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from otelml.monitor.concept._detector import Alarms, Detector
from otelml.monitor.concept.adwin import ADWIN
from otelml.monitor.concept.ddm import DDM
from otelml.monitor.concept.eddm import EDDM
from otelml.monitor.concept.kswin import KSWIN
from otelml.monitor.concept.level import Level
from otelml.monitor.concept.page_hinkley import PageHinkley

__all__ = [
    "ADWIN",
    "DDM",
    "DETECTORS",
    "EDDM",
    "KSWIN",
    "Alarms",
    "Detector",
    "Level",
    "PageHinkley",
]

DETECTORS: Final[Mapping[str, type[Detector]]] = MappingProxyType(
    {
        DDM.name: DDM,
        EDDM.name: EDDM,
        PageHinkley.name: PageHinkley,
        ADWIN.name: ADWIN,
        KSWIN.name: KSWIN,
    }
)
