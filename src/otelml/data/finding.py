"""What a check says of a column of a window."""

from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from otelml.data.key import Role, segment_of


class Verdict(StrEnum):
    """What a check says of a window."""

    OK = "ok"
    WARN = "warn"
    ALARM = "alarm"
    TOO_LITTLE_DATA = "too_little_data"
    NO_BASELINE = "no_baseline"
    NOT_APPLICABLE = "not_applicable"


class Limits(NamedTuple):
    """Effect at which a check warns and alarms, and the effect that chance alone would show."""

    warn: float | None = None
    alarm: float | None = None
    null: float | None = None


class Finding(NamedTuple):
    """One check of one column of one window against its baseline.

    `value` is the statistic itself, `effect` what the limits are compared with, `reference` the
    baseline's own value where there is one; `feature` is the column's name, `output` included;
    `interval` is the value's confidence interval where one is known.
    """

    model: str
    model_version: str | None
    role: Role
    feature: str | None
    check: str
    value: float | None
    p_value: float | None
    p_value_adjusted: float | None
    effect: float | None
    limits: Limits
    reference: float | None
    verdict: Verdict
    samples: int
    baseline_samples: int
    window: tuple[int, int]
    labels: tuple[tuple[str, str], ...] = ()
    interval: tuple[float, float] | None = None

    def json(self) -> dict[str, Any]:
        """The finding as strict JSON: what is undefined or not finite is null, times are ISO."""
        return {
            "model": self.model,
            "model_version": self.model_version,
            "role": str(self.role),
            "feature": self.feature,
            "check": self.check,
            "value": _finite(self.value),
            "p_value": _finite(self.p_value),
            "p_value_adjusted": _finite(self.p_value_adjusted),
            "effect": _finite(self.effect),
            "limits": {
                "warn": _finite(self.limits.warn),
                "alarm": _finite(self.limits.alarm),
                "null": _finite(self.limits.null),
            },
            "reference": _finite(self.reference),
            "verdict": str(self.verdict),
            "samples": self.samples,
            "baseline_samples": self.baseline_samples,
            "window": {"start": iso(self.window[0]), "end": iso(self.window[1])},
        } | self._more()

    def _more(self) -> dict[str, Any]:
        """What only slices and measures of performance have."""
        segment = tuple(value for _, value in segment_of(self.labels))
        told = {"segment": dict(zip(("name", "value"), segment, strict=True))} if segment else {}
        if self.role is not Role.ERROR:
            return told
        interval = self.interval and [_finite(bound) for bound in self.interval]
        return told | {"attributes": dict(self.labels), "interval": interval}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def iso(nanos: int) -> str:
    """A time in nanoseconds since the epoch as ISO 8601 in UTC.

    >>> iso(1_500_000_000)
    '1970-01-01T00:00:01.500Z'
    """
    return f"{np.datetime64(nanos // 1_000_000, 'ms')}Z"
