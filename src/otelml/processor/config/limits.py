"""Limits of checks and measures; none that warns only where it would alarm already."""

import math
from collections.abc import Iterable
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator

from otelml.monitor.performance.check import ALARM, Better
from otelml.monitor.performance.registry import METRICS
from otelml.monitor.registry import DRIFT, QUALITY
from otelml.processor.config.value import Section

_ALARMS: Final = {check.name: check.alarm for check in (*DRIFT, *QUALITY)}
_BETTER: Final = {metric.name: metric.better for metric in METRICS}


def _bound(number: float) -> float:
    if math.isnan(number):
        raise ValueError("nan is no limit: nothing is beyond it")
    return number


Bound: TypeAlias = Annotated[float, AfterValidator(_bound)]


class Limit(Section):
    """Effects from which a check warns and alarms."""

    warn: Bound | None = None
    alarm: Bound | None = None


class Measured(Limit):
    """Changes relative to the baseline, and values (`_at`), from which a measure is too bad."""

    warn_at: Bound | None = None
    alarm_at: Bound | None = None


def _late(
    name: str, limit: Limit, default: float | None, at: str = "", *, falls: bool = False
) -> str:
    """What is wrong with a limit that warns after it alarms, by `default` if not as given."""
    warn, given = getattr(limit, f"warn{at}"), getattr(limit, f"alarm{at}")
    alarm = default if given is None else given
    if None in (warn, alarm) or (warn >= alarm if falls else warn <= alarm):
        return ""
    whence = ", its default" if given is None else ""
    return f"{name}: warn{at} {warn:g} is beyond alarm{at} {alarm:g}{whence}"


def _check(told: Iterable[str]) -> None:
    if whole := "; ".join(filter(None, told)):
        raise ValueError(whole)


def _of_checks(limits: dict[str, Limit]) -> dict[str, Limit]:
    _check(_late(name, limit, _ALARMS[name]) for name, limit in limits.items())
    return limits


def _of_measures(limits: dict[str, Measured]) -> dict[str, Measured]:
    relative = [_late(name, limit, ALARM) for name, limit in limits.items()]
    absolute = [
        _late(name, limit, None, "_at", falls=_BETTER[name] is Better.HIGHER)
        for name, limit in limits.items()
    ]
    _check(relative + absolute)
    return limits


def _limited(name: str) -> str:
    if name not in _ALARMS:
        raise ValueError(f"{name!r} has no limits: choose among {', '.join(sorted(_ALARMS))}")
    return name


def _measure(name: str) -> str:
    if name not in _BETTER:
        raise ValueError(f"unknown measure {name!r}: choose among {', '.join(sorted(_BETTER))}")
    return name


Measure: TypeAlias = Annotated[str, AfterValidator(_measure)]
CheckLimits: TypeAlias = Annotated[
    dict[Annotated[str, AfterValidator(_limited)], Limit], AfterValidator(_of_checks)
]
MeasureLimits: TypeAlias = Annotated[dict[Measure, Measured], AfterValidator(_of_measures)]
