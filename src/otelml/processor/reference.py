"""What a baseline says of performance: the summary of its outcomes, and what follows from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from otelml import names
from otelml.data import Baseline, Finding, Role, Window
from otelml.monitor.performance.calibration import Calibration, calibrations
from otelml.monitor.performance.check import Rules
from otelml.monitor.performance.estimate import estimate
from otelml.monitor.performance.loss import estimate_loss
from otelml.monitor.performance.registry import judge
from otelml.monitor.performance.summaries import Summaries
from otelml.monitor.performance.summary import Summary
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

if TYPE_CHECKING:
    from otelml.sketch.distribution import Distribution

ESTIMATED = ((names.PERFORMANCE_SOURCE, "estimated"),)


@dataclass(frozen=True)
class Reference:
    """A baseline whose data had predictions beside targets."""

    baseline: Baseline
    summaries: Summaries

    @property
    def summary(self) -> Summary:
        """That of all rows."""
        return self.summaries.whole

    @cached_property
    def calibrations(self) -> dict[str, Calibration]:
        """How often the class was right at each score, by class."""
        return calibrations(self.summary.scores)

    @property
    def positive(self) -> str | None:
        """The class that a binary classifier's scores are of."""
        scored = [*self.summary.scores]
        return scored[0] if len(scored) == 1 else None

    def estimated(self, rules: Rules, window: Window) -> list[Finding]:
        """Findings on what a window's scores, or predicted numbers, lead to expect."""
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
        return judge(rules, self.summary, expected, window, ESTIMATED)
