"""A file against a baseline, without a service."""

from collections.abc import Callable
from pathlib import Path

from otelml.data import Baseline, Finding
from otelml.monitor.check import Checks
from otelml.monitor.performance.registry import DEFAULT as PERFORMANCE
from otelml.monitor.performance.registry import judge
from otelml.monitor.performance.summaries import Summaries
from otelml.monitor.registry import DEFAULT, run, worst_first
from otelml.monitor.segments import judge_slices
from otelml.offline.layout import layout_of
from otelml.offline.outcomes import summarised
from otelml.offline.profile import profile
from otelml.offline.table import columns_of
from otelml.wire import file


def check(
    baseline: Baseline,
    data: Path,
    checks: Checks = DEFAULT,
    advance: Callable[[float], None] = lambda _: None,
) -> list[Finding]:
    """Findings on a table, or on another baseline, against a baseline; worst first.

    Raises:
        BaselineError, DataError: the file can be read as neither.

    """
    reference = _outcomes(baseline)
    if data.suffix.lower() == ".json":
        other = file.read(data)
        window = other.window.of(baseline.model)
        outcomes = _outcomes(other)
    else:
        layout = layout_of(baseline).within(columns_of(data))
        window = profile(data, baseline.model, layout, advance)
        outcomes = summarised(data, layout, None if reference is None else reference.whole)
    findings = run(checks, baseline.window, window)
    if reference is not None and outcomes is not None:
        findings += judge(PERFORMANCE, reference.whole, outcomes.whole, window)
        findings += judge_slices(PERFORMANCE, reference, outcomes.slices, window)
    return worst_first(findings)


def performance(baseline: Baseline) -> list[Finding]:
    """What the outcomes in a baseline measure, with intervals; nothing if it has no targets.

    Raises:
        BaselineError: its outcomes cannot be read.

    """
    outcomes = _outcomes(baseline)
    if outcomes is None:
        return []
    found = judge(PERFORMANCE, None, outcomes.whole, baseline.window)
    return [one for one in found if one.value is not None]


def _outcomes(baseline: Baseline) -> Summaries | None:
    if baseline.outcomes is None:
        return None
    try:
        return Summaries.load(baseline.outcomes)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise file.BaselineError(
            f"baseline {baseline.id} of {baseline.source}: its outcomes cannot be read "
            f"({error!r}); {file.REMEDY}"
        ) from error
