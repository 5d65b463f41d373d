"""Features that are missing or extra: `missing_feature` and `extra_feature`, of whole windows."""

from otelml.data import Finding, Limits, Role, Verdict, Window
from otelml.monitor.check import Measure, finding


def missing_features(baseline: Window, window: Window) -> list[Finding]:
    """Alarms for features without any observation in a window that has predictions."""
    if not window.rows:
        return []
    return [
        finding(
            window,
            key,
            "missing_feature",
            Measure(1.0, 1.0),
            Limits(None, 1.0),
            Verdict.ALARM,
            (window.rows, baseline.rows),
        )
        for key in baseline.sketches
        if key.role is Role.FEATURE and key not in window.sketches
    ]


def extra_features(baseline: Window, window: Window) -> list[Finding]:
    """Warnings for features that the baseline does not have."""
    return [
        finding(
            window,
            key,
            "extra_feature",
            Measure(1.0, 1.0),
            Limits(1.0, None),
            Verdict.WARN,
            (window.rows, baseline.rows),
        )
        for key in window.sketches
        if key.role is Role.FEATURE and key not in baseline.sketches
    ]
