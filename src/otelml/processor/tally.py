"""A window of predictions beside their labels: its rows in pieces, and what is found of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from otelml import names
from otelml.data import Finding, Key, Limits, Outcomes, Role, Sketch, Verdict, Window
from otelml.monitor.check import Checks, compare
from otelml.monitor.fairness import judge as fairness
from otelml.monitor.fairness.groups import Groups
from otelml.monitor.performance.calibration_error import Curve, curve
from otelml.monitor.performance.check import Rules, positive_class
from otelml.monitor.performance.estimate import misses
from otelml.monitor.performance.registry import judge
from otelml.monitor.performance.summary import Summary
from otelml.monitor.performance.targets import targets
from otelml.monitor.segments import Labels, judge_slices, largest, slices
from otelml.processor import config
from otelml.processor.reference import Reference
from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

ESTIMATE_ERROR: Final = "estimate_error"
_MOST_SLICES: Final = 1000
"""Slices summed up in a window; those beyond have no room."""

_MOST_CLASSES: Final = 10


class Tally:
    """Sums over the labelled rows of one window."""

    def __init__(
        self, settings: config.Processor, rules: Rules, checks: Checks, reference: Reference | None
    ) -> None:
        self._settings, self._rules, self._checks = settings, rules, checks
        self._reference = reference
        self._whole = Summary.empty()
        self._slices: dict[Labels, Summary] = {}
        self._groups: dict[str, Groups] = {}
        self._sketches = _Sketches()
        self._positive: str | None = None if reference is None else reference.whole.positive

    def add(self, outcomes: Outcomes) -> None:
        """Add a piece of the window."""
        piece = self._named(outcomes)
        summary = Summary.of(piece)
        self._whole = self._whole.merge(summary)
        known = None if self._reference is None else self._reference.summaries.whole
        positive = positive_class(self._rules, known, self._whole)
        for labels, part in slices(piece, self._settings.segments.columns):
            held = self._slices.get(labels)
            if held is not None or len(self._slices) < _MOST_SLICES:
                self._slices[labels] = (held or Summary.empty()).merge(Summary.of(part))
        for column in self._settings.fairness.columns if positive is not None else ():
            groups = Groups.of(piece, column, positive or "")
            held_groups = self._groups.get(column)
            self._groups[column] = groups if held_groups is None else held_groups.merge(groups)
        self._sketches.add(piece)

    def findings(self, window: Window) -> list[Finding]:
        """What is found of the rows that were added."""
        reference = self._reference
        known = None if reference is None else reference.summaries.whole
        realised = judge(self._rules, known, self._whole, window)
        found = [*realised, *self._of_slices(window)]
        rules = self._settings.fairness
        for column, groups in self._groups.items():
            found += fairness.judge(
                groups, column, window, fewest=rules.min_group, tell_groups=rules.tell_groups
            )
        if reference is None:
            return found
        before = reference.baseline.window.of(window.model)
        rows = self._whole.rows
        found += compare(self._checks, before, self._sketches.window(window, rows, Role.TARGET))
        own = self._sketches.window(window, rows, Role.PREDICTION, Role.SCORE)
        estimated = reference.estimated(self._rules, own)
        return found + _errors(estimated, realised)

    @property
    def confusion(self) -> Mapping[tuple[str, str], float]:
        """Weights by true and predicted class; nothing if there are too many classes to be told."""
        held = self._whole.confusion
        if len(held.classes) > _MOST_CLASSES:
            return {}
        return {pair: cell.weight for pair, cell in held.cells.items()}

    def _named(self, outcomes: Outcomes) -> Outcomes:
        """The same, where the class that scores are of is known if it was not told: the last."""
        if outcomes.classes != ("",):
            return outcomes
        if self._positive is None:
            classes = {*outcomes.predicted, *outcomes.truth, *self._whole.confusion.classes}
            self._positive = max(classes - {None}, default=None)
        return outcomes if self._positive is None else replace(outcomes, classes=(self._positive,))

    @property
    def curve(self) -> Curve | None:
        """The calibration curve of a binary classifier."""
        scored = [*self._whole.scores.values()]
        known = len(scored) == 1 and all(scored[0].weights)
        return curve(scored[0]) if known else None

    def _of_slices(self, window: Window) -> list[Finding]:
        sizes = {labels: summary.rows for labels, summary in self._slices.items()}
        kept, _ = largest(sizes, self._settings.segments.max_slices)
        known = None if self._reference is None else self._reference.summaries
        slices = {labels: self._slices[labels] for labels in kept}
        return judge_slices(self._rules, known, slices, window)


class _Sketches:
    """Predictions, scores and targets of labelled rows."""

    def __init__(self) -> None:
        self._held: dict[tuple[Role, str], Any] = {}

    def add(self, piece: Outcomes) -> None:
        """Add a piece of a window."""
        self._add(Role.TARGET, "", targets(piece))
        if not piece.classifies:
            self._add(Role.PREDICTION, "", Numeric.of(piece.predicted))
            return
        told = [label for label in piece.predicted if label is not None]
        self._add(Role.PREDICTION, "", Categories.of(told))
        for name, scores in zip(piece.classes, _columns(piece), strict=False):
            self._add(Role.SCORE, name, Probability.of(scores))

    def _add(self, role: Role, name: str, sketch: Any) -> None:
        held = self._held.get((role, name))
        if held is None:
            self._held[role, name] = sketch
        elif type(held) is type(sketch):  # a model that turned from classes to numbers stays first
            self._held[role, name] = held.merge(sketch)

    def window(self, window: Window, rows: int, *roles: Role) -> Window:
        """The window of the sketches of some roles."""
        scored = [name for role, name in self._held if role is Role.SCORE]
        sketches: dict[Key, Sketch] = {}
        for (role, name), sketch in self._held.items():
            if role in roles:
                labels = ((names.PREDICTION_CLASS, name),) if len(scored) > 1 and name else ()
                sketches[Key(window.model, role, "", labels)] = sketch
        return replace(window, sketches=MappingProxyType(sketches), rows=rows)


def _columns(outcomes: Outcomes) -> Iterable[Floats]:
    """The scores of each class that are probabilities."""
    if outcomes.scores is None or not ((outcomes.scores >= 0) & (outcomes.scores <= 1)).any():
        return ()
    return outcomes.scores.T


def _errors(estimated: list[Finding], realised: list[Finding]) -> list[Finding]:
    """How far the estimates are from what the same rows' labels say."""
    if not estimated:
        return []
    like = estimated[0]
    return [
        like._replace(
            check=ESTIMATE_ERROR,
            value=miss.error,
            effect=None,
            limits=Limits(),
            reference=None,
            verdict=Verdict.NOT_APPLICABLE,
            labels=((names.PERFORMANCE_METRIC, miss.check), *miss.labels),
            interval=None,
        )
        for miss in misses(estimated, realised)
    ]
