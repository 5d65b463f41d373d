"""Rows a second, against the median of the previous windows of the same length."""

from collections.abc import Sequence
from statistics import median

from otelml.data import Finding, Key, Limits, Role, Verdict, Window
from otelml.monitor.check import finding

_WARN, _ALARM = 2.0, 10.0


def volume(window: Window, previous: Sequence[Window]) -> Finding:
    """The ratio of volumes: half or double warns, a tenth or tenfold alarms."""
    key = Key(window.model, Role.PREDICTIONS)
    limits = Limits(_WARN, _ALARM)
    usual = median([w.rows for w in previous]) if previous else 0
    rows = window.rows, int(usual)
    if not usual:
        return finding(window, key, "volume", Verdict.NOT_APPLICABLE, limits, rows)
    ratio = window.rows / usual
    change = max(ratio, 1 / ratio) if ratio else float("inf")
    verdict = Verdict.OK
    if change >= _WARN:
        verdict = Verdict.ALARM if change >= _ALARM else Verdict.WARN
    return finding(window, key, "volume", verdict, limits, rows, ratio, change, usual)
