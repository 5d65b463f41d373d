"""What a measure of performance is, and how its values become findings.

A verdict needs a change, relative to the reference, beyond its limit and beyond chance: the gap
must exceed what both intervals allow together (Zou & Donner, 2008), at 95 % to warn and at 99.9 %
to alarm. Getting better is news too: at 99.9 % it warns, and it never alarms.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from otelml.data import Finding, Limits, Model, Role, Verdict
from otelml.monitor.performance.interval import Value, Z
from otelml.monitor.performance.summary import Summary

WARN: Final = 0.05
ALARM: Final = 0.1

CERTAIN: Final = 3.290526731491926 / Z
"""How many times as far as the 95 % interval reaches, 99.9 % do."""


class Better(StrEnum):
    """Where good values lie; `SAME`: any change is news, and none is worse."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"
    SAME = "same"


class Of(StrEnum):
    """What a measure is made of."""

    CLASSES = "classes"
    AVERAGES = "averages"
    POSITIVE = "positive"
    SCORES = "scores"
    LOSSES = "losses"
    ERRORS = "errors"
    TRUTHS = "truths"
    INTERVALS = "intervals"


class Case(NamedTuple):
    """What a measure is asked: of which summary, how averaged, and which class is positive."""

    summary: Summary
    average: str | None
    positive: str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of performance: what it is made of, how, and where it is good.

    `scale` is what a change is relative to, the reference itself where it is left out.
    """

    name: str
    unit: str
    better: Better
    of: Of
    measure: Callable[[Case], Value | None]
    scale: Callable[[Case], float] | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Which measures are judged, and with which limits.

    `limits` maps a name to the relative changes at which it may `warn` and `alarm`, `absolute` to
    values that are too bad whatever the reference. `positive` is the positive class of a binary
    classifier without scores; the last in sorted order where it is left out.
    """

    all: tuple[Metric, ...]
    exclude: frozenset[str] = frozenset()
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    absolute: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    min_samples: int = 200
    positive: str | None = None

    def __post_init__(self) -> None:
        known = {metric.name for metric in self.all}
        for name in (*self.exclude, *self.limits, *self.absolute):
            if name not in known:
                raise ValueError(
                    f"unknown measure {name!r}: choose among {', '.join(sorted(known))}"
                )

    def relative(self, name: str) -> Limits:
        """Relative limits of a measure."""
        limits = self.limits.get(name, {})
        return Limits(limits.get("warn", WARN), limits.get("alarm", ALARM))

    def worst(self, name: str) -> Limits:
        """Absolute limits of a measure."""
        limits = self.absolute.get(name, {})
        return Limits(limits.get("warn"), limits.get("alarm"))


def positive_class(rules: Rules, *summaries: Summary | None) -> str | None:
    """The positive class, if the model is a binary classifier: the one that the score is of."""
    known = [summary for summary in summaries if summary is not None]
    scored = sorted({name for summary in known for name in summary.scores})
    if len(scored) == 1:
        return scored[0]
    classes = sorted({name for summary in known for name in summary.confusion.classes} | {*scored})
    if not classes or len(classes) > 2:
        return None
    return rules.positive if rules.positive in classes else classes[-1]


def averages(metric: Metric, summary: Summary, positive: str | None) -> tuple[str | None, ...]:
    """How a measure of this summary is averaged, if it has what the measure is made of."""
    several = ("binary",) if positive is not None else ("macro", "micro", "weighted")
    match metric.of:
        case Of.CLASSES:
            return (None,) if summary.confusion.cells else ()
        case Of.AVERAGES:
            return several if summary.confusion.cells else ()
        case Of.POSITIVE:
            return ("binary",) if summary.confusion.cells and positive is not None else ()
        case Of.SCORES:
            return several[:1] if summary.scores else ()
        case Of.LOSSES:
            return (None,) if summary.log_loss.weight else ()
        case Of.ERRORS:
            return (None,) if summary.residuals.squared.weight else ()
        case Of.TRUTHS:
            return (None,) if summary.residuals.target.weight else ()
        case Of.INTERVALS:
            return (None,) if summary.residuals.covered.weight else ()


class Change(NamedTuple):
    """How far a value is from its reference: relative, and in intervals of both together.

    `noise` is the relative change that 99.9 of 100 windows stay below without any.
    """

    effect: float
    worse: bool
    certainty: float
    noise: float


def change(metric: Metric, value: Value, reference: Value, scale: float) -> Change:
    """The change against the reference."""
    new, old = (
        (abs(v.value) if metric.better is Better.ZERO else v.value) for v in (value, reference)
    )
    gap = value.value - reference.value
    half = (
        math.hypot(value.value - value.low, reference.high - reference.value)
        if gap > 0
        else math.hypot(value.high - value.value, reference.value - reference.low)
    )
    worse = new < old if metric.better is Better.HIGHER else new > old
    certainty = abs(gap) / half if half else math.inf * (gap != 0)
    moved = abs(new - old)
    effect = moved / abs(scale) if scale else (math.inf if moved else 0.0)
    noise = CERTAIN * half / abs(scale) if scale else math.inf
    return Change(effect, worse, certainty if gap else 0.0, noise)


def judged(metric: Metric, found: Change, limits: Limits) -> Verdict:
    """The verdict on a change."""
    worse, certain = found.worse and metric.better is not Better.SAME, found.certainty > CERTAIN
    if worse and certain and limits.alarm is not None and found.effect >= limits.alarm:
        return Verdict.ALARM
    sure = found.certainty > 1 if worse else certain
    if sure and limits.warn is not None and found.effect >= limits.warn:
        return Verdict.WARN
    return Verdict.OK


def too_bad(metric: Metric, value: Value, limits: Limits) -> Verdict:
    """The verdict on a value by itself: beyond a limit with its whole interval."""
    for limit, verdict in ((limits.alarm, Verdict.ALARM), (limits.warn, Verdict.WARN)):
        if limit is None:
            continue
        if metric.better is Better.HIGHER:
            beyond = value.high < limit
        elif metric.better is Better.ZERO:
            beyond = value.low > limit or value.high < -limit
        else:
            beyond = value.low > limit
        if beyond:
            return verdict
    return Verdict.OK


class Span(NamedTuple):
    """The window that findings are about; `data.Window` has what is asked of it."""

    model: Model
    start: int
    end: int


def found(
    metric: Metric,
    rules: Rules,
    window: Span,
    labels: tuple[tuple[str, str], ...],
    cases: tuple[Case, Case | None],
    rows: tuple[int, int],
) -> Finding:
    """The finding of one measure; `cases` and `rows` are the window's and the reference's."""
    value = metric.measure(cases[0])
    reference = metric.measure(cases[1]) if cases[1] else None
    limits, worst = rules.relative(metric.name), rules.worst(metric.name)
    effect, verdict = None, Verdict.NOT_APPLICABLE
    if value is not None:
        verdict = Verdict.NO_BASELINE
        if reference is not None and cases[1] is not None:
            scale = metric.scale(cases[1]) if metric.scale else reference.value
            difference = change(metric, value, reference, scale)
            verdict, effect = judged(metric, difference, limits), difference.effect
            limits = Limits(limits.warn, limits.alarm, difference.noise)
        if worst != Limits():
            absolute = too_bad(metric, value, worst)
            if verdict is Verdict.NO_BASELINE or _SEVERITY[absolute] > _SEVERITY[verdict]:
                verdict, effect, limits = absolute, value.value, worst
    if rows[0] < rules.min_samples:
        verdict = Verdict.TOO_LITTLE_DATA
    return Finding(
        window.model.name,
        window.model.version,
        Role.ERROR,
        None,
        metric.name,
        value.value if value else None,
        None,
        None,
        effect,
        limits,
        reference.value if reference else None,
        verdict,
        rows[0],
        rows[1],
        (window.start, window.end),
        labels,
        (value.low, value.high) if value else None,
    )


_SEVERITY: Final = {Verdict.OK: 0, Verdict.WARN: 1, Verdict.ALARM: 2}
