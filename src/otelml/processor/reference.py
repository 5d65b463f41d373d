"""What a baseline says of performance: the summary of its outcomes, and what follows from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from otelml import names
from otelml.data import Baseline, Finding, Role, Window
from otelml.monitor.performance.calibration import Calibration, calibrations
from otelml.monitor.performance.check import Rules
from otelml.monitor.performance.estimate import estimate
from otelml.monitor.performance.loss import estimate_loss
from otelml.monitor.performance.registry import judge
from otelml.monitor.performance.summaries import Summaries
from otelml.monitor.performance.summary import Summary
from otelml.monitor.segments import adjusted
from otelml.monitor.sliced import Segment, parts, whole
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

if TYPE_CHECKING:
    from otelml.sketch.distribution import Distribution

_ESTIMATED: Final = ((names.PERFORMANCE_SOURCE, "estimated"),)


@dataclass(frozen=True)
class Estimator:
    """What the scores, or predicted numbers, of rows lead to expect, as earlier outcomes had it."""

    summary: Summary

    @cached_property
    def calibrations(self) -> dict[str, Calibration]:
        """How often the class was right at each score, by class."""
        return calibrations(self.summary.scores)

    @property
    def positive(self) -> str | None:
        """The class that a binary classifier's scores are of."""
        scored = [*self.summary.scores]
        return scored[0] if len(scored) == 1 else None

    def findings(self, rules: Rules, window: Window, labels: Segment = ()) -> list[Finding]:
        """What is expected of a window without slices; `labels` say which one it is itself."""
        scores: dict[str, Distribution] = {}
        classes, values = None, None
        for key, sketch in window.sketches.items():
            if key.name:  # of a model with several outputs the truth is of none
                continue
            if key.role is Role.SCORE and isinstance(sketch, Probability):
                name = key.labels[0][1] if key.labels else self.positive
                if name is not None:
                    scores[name] = sketch
            elif key.role is Role.PREDICTION and isinstance(sketch, Categories):
                classes = sketch
            elif key.role is Role.PREDICTION and isinstance(sketch, Numeric):
                values = sketch
        if scores:
            expected = estimate(self.summary, self.calibrations, scores, classes)
        elif values is not None:
            expected = estimate_loss(self.summary.residuals, values)
        else:
            return []
        return judge(rules, self.summary, expected, window, (*_ESTIMATED, *labels))


@dataclass(frozen=True)
class Reference:
    """A baseline whose data had predictions beside targets."""

    baseline: Baseline
    summaries: Summaries

    @cached_property
    def whole(self) -> Estimator:
        """That of all rows."""
        return Estimator(self.summaries.whole)

    @cached_property
    def slices(self) -> dict[Segment, Estimator]:
        """Those of the slices."""
        return {of: Estimator(summary) for of, summary in self.summaries.slices.items()}

    def estimated(self, rules: Rules, window: Window) -> list[Finding]:
        """Findings on what is expected of a window, and of those of its slices that are known."""
        of_slices = [
            finding
            for of, part in parts(window)
            if of in self.slices
            for finding in self.slices[of].findings(rules, part, of)
        ]
        return self.whole.findings(rules, whole(window)) + adjusted(of_slices)
