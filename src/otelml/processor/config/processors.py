"""`processors`: what is watched for, and what follows."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from otelml.monitor.concept import DETECTORS
from otelml.monitor.performance.registry import NAMES as MEASURES
from otelml.monitor.registry import NAMES
from otelml.monitor.rules import parse
from otelml.processor.config.performance import (
    ConceptDrift,
    Fairness,
    Labels,
    Performance,
    Segments,
    Shadow,
)
from otelml.processor.config.value import Seconds, Section, Url
from otelml.processor.config.windows import Alerts, Baselines, Checks, Windows

_LIMITS: Final = ("above", "below", "drifted_features")


def _number(given: object) -> object:
    """The number that a text is, as a variable has it; else what was given."""
    try:
        return float(given) if isinstance(given, str) else given
    except ValueError:
        return given


def _rule(given: object) -> object:
    """A rule of `retraining`, checked."""
    if not isinstance(given, dict):
        raise ValueError("a rule is a mapping")  # noqa: TRY004 - pydantic collects ValueError
    rule: dict[str, Any] = {
        name: _number(held) if name in _LIMITS else held for name, held in given.items()
    }
    parse(rule)
    known = {*MEASURES, *NAMES, *DETECTORS}
    for name in rule.get("checks", ()):
        if name not in known:
            raise ValueError(f"unknown check {name!r}: choose among {', '.join(sorted(known))}")
    return rule


class Hook(Section):
    """Where to post recommendations, and what signs them."""

    url: Url
    secret: Annotated[str, Field(min_length=1)]
    timeout: Seconds = 10.0


class Retraining(Section):
    """Rules that recommend to train a model anew, and who is told."""

    when: list[Annotated[dict[str, Any], BeforeValidator(_rule)]] = Field(default_factory=list)
    webhook: Hook | None = None


class Processor(Section):
    """What is watched for."""

    windows: Windows = Windows()
    baselines: Baselines = Baselines()
    alerts: Alerts = Alerts()
    checks: Checks = Checks()
    labels: Labels = Labels()
    performance: Performance = Performance()
    segments: Segments = Segments()
    fairness: Fairness = Fairness()
    concept_drift: ConceptDrift = ConceptDrift()
    shadows: list[Shadow] = Field(default_factory=list)
    retraining: Retraining = Retraining()
    forward: bool = True
    repeat: Seconds = 60.0
