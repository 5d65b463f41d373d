"""Features that are missing or extra: `missing_feature` and `extra_feature`, of whole windows."""

from otelml.data import Finding, Limits, Role, Verdict, Window
from otelml.monitor.check import finding


def missing_features(baseline: Window, window: Window) -> list[Finding]:
    """Which of the baseline's features have no observation in a window that has predictions.

    Those that are there are told too, so that an alert about them resolves.
    """
    if not window.rows:
        return []
    findings = []
    for key in baseline.sketches:
        if key.role is Role.FEATURE:
            gone = key not in window.sketches
            findings.append(
                finding(
                    window,
                    key,
                    "missing_feature",
                    Verdict.ALARM if gone else Verdict.OK,
                    Limits(None, 1.0),
                    (window.rows, baseline.rows),
                    float(gone),
                    float(gone),
                )
            )
    return findings


def extra_features(baseline: Window, window: Window) -> list[Finding]:
    """Warnings for features that the baseline does not have."""
    return [
        finding(
            window,
            key,
            "extra_feature",
            Verdict.WARN,
            Limits(1.0, None),
            (window.rows, baseline.rows),
            1.0,
            1.0,
        )
        for key in window.sketches
        if key.role is Role.FEATURE and key not in baseline.sketches
    ]
