"""Every check, one line each; and all of them run on a window."""

from collections.abc import Iterable, Sequence
from typing import Final

from otelml.data import Finding, Key, Limits, Role, Verdict, Window
from otelml.monitor.check import Check, Checks, compare, finding
from otelml.monitor.drift import (
    chi_squared,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    mean_shift,
    median_shift,
    psi,
    total_variation,
    variance_ratio,
    wasserstein,
)
from otelml.monitor.quality import (
    columns,
    constant,
    missing,
    non_finite,
    out_of_range,
    type_mismatch,
    unseen_category,
)
from otelml.monitor.quality import volume as volumes
from otelml.monitor.sliced import rows, slices, whole

DRIFT: Final[tuple[Check, ...]] = (
    psi.CHECK,
    kolmogorov_smirnov.CHECK,
    chi_squared.CHECK,
    jensen_shannon.CHECK,
    hellinger.CHECK,
    wasserstein.CHECK,
    total_variation.CHECK,
    mean_shift.CHECK,
    variance_ratio.CHECK,
    median_shift.CHECK,
)
QUALITY: Final[tuple[Check, ...]] = (
    missing.CHECK,
    non_finite.CHECK,
    type_mismatch.CHECK,
    out_of_range.CHECK,
    unseen_category.CHECK,
    constant.CHECK,
)
OF_WINDOWS: Final = ("missing_feature", "extra_feature", "volume")
"""Checks of the whole window, not of one column beside another."""

NAMES: Final = (*(check.name for check in (*DRIFT, *QUALITY)), *OF_WINDOWS)
DEFAULT: Final = Checks((*DRIFT, *QUALITY))


def run(
    checks: Checks,
    baseline: Window | None,
    window: Window,
    previous: Sequence[Window] = (),
    exclude: frozenset[str] = frozenset(),
) -> list[Finding]:
    """Findings on a window, worst first.

    Its slices are compared with the baseline's, and are a family of their own.

    Args:
        checks: The checks of columns.
        baseline: What to compare with; None gives one finding that says so.
        window: The window.
        previous: Windows before it, of the same length, for the volume.
        exclude: Checks of whole windows that do not run.

    """
    if baseline is None:
        key = Key(window.model, Role.PREDICTIONS)
        held = window.rows, 0
        return [finding(window, key, "baseline", Verdict.NO_BASELINE, Limits(), held)]
    baseline = baseline.of(window.model)  # it may serve every version
    findings = _of_slices(checks, baseline, slices(window))
    baseline, window = whole(baseline), whole(window)
    findings += compare(checks, baseline, window)
    if "missing_feature" not in exclude and window.rows >= checks.min_samples:
        findings += columns.missing_features(baseline, window)
    if "extra_feature" not in exclude:
        findings += columns.extra_features(baseline, window)
    if "volume" not in exclude:
        findings.append(volumes.volume(window, previous))
    return worst_first(findings)


def _of_slices(checks: Checks, baseline: Window, window: Window) -> list[Finding]:
    """Findings on the slices of a window; of those that the baseline lacks, that it does."""
    known = {key.segment for key in baseline.sketches}
    return compare(checks, baseline, window) + [
        finding(
            window,
            Key(window.model, Role.PREDICTIONS, "", of),
            "baseline",
            Verdict.NO_BASELINE,
            Limits(),
            (held, 0),
        )
        for of, held in sorted(rows(window).items())
        if of not in known
    ]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by verdict."""
    told = list(findings)
    return [finding for verdict in _ORDER for finding in told if finding.verdict == verdict]


_ORDER: Final = (
    Verdict.ALARM,
    Verdict.WARN,
    Verdict.TOO_LITTLE_DATA,
    Verdict.NO_BASELINE,
    Verdict.OK,
    Verdict.NOT_APPLICABLE,
)
