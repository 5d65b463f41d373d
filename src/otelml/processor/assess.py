"""Windows of predictions whose labels changed: rows to a summary, and the summary to findings."""

import asyncio
import time
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from otelml.data import Finding, Model, Outcomes, Owner, Window
from otelml.monitor.performance.check import Rules
from otelml.monitor.performance.registry import METRICS, judge
from otelml.monitor.performance.summary import Summary
from otelml.processor import config
from otelml.processor.library import Library
from otelml.store.joins import Joins, Mark
from otelml.wire.proto import Service

_AT_ONCE: Final = 16
"""Windows assessed in one go, so that a tick stays short."""


class Assessed:
    """A window of predictions, its labelled rows summed up, and what is found of it."""

    def __init__(self, mark: Mark, window: Window, labelled: int, findings: list[Finding]) -> None:
        self.mark, self.window, self.labelled, self.findings = mark, window, labelled, findings
        owner = mark.owner
        self.service = Service(owner.service, owner.namespace, owner.environment)


class Assessor:
    """Sums up and judges windows as their labels come, each at most once `every` so often."""

    def __init__(self, settings: config.Performance, joins: Joins, library: Library) -> None:
        self._settings, self._joins, self._library = settings, joins, library
        self._last: dict[tuple[Owner, int], float] = {}
        self._rules = rules_of(settings)
        self._references: dict[str, Summary | None] = {}

    async def assess(self, now: int) -> list[Assessed]:
        """The windows that are over, and that predictions or labels came to, oldest first.

        Raises:
            StoreError: the database refused.

        """
        clock = time.monotonic()
        every = self._settings.every
        self._last = {key: last for key, last in self._last.items() if clock - last < every}
        due = [
            mark
            for mark in await self._joins.changed()
            if mark.start + self._joins.length <= now and (mark.owner, mark.start) not in self._last
        ]
        found = []
        for mark in due[:_AT_ONCE]:
            self._last[mark.owner, mark.start] = clock
            found.append(await self._assessed(mark))
        return found

    async def done(self, assessed: list[Assessed]) -> None:
        """Forget that these windows changed: what was found of them is kept."""
        await self._joins.clean([one.mark for one in assessed])

    async def _assessed(self, mark: Mark) -> Assessed:
        owner, start, end = mark.owner, mark.start, mark.start + self._joins.length
        model = Model(owner.model, owner.version)
        population, labelled = await self._joins.population(owner, start, end)
        window = Window(model, start, end, MappingProxyType({}), population)
        if not labelled:
            return Assessed(mark, window, 0, [])
        reference = self._reference(model)
        summary = await asyncio.to_thread(self._summary, owner, start, end, reference)
        findings = judge(self._rules, reference, summary, window)
        return Assessed(mark, window, labelled, findings)

    def _summary(self, owner: Owner, start: int, end: int, reference: Summary | None) -> Summary:
        whole = Summary.empty()
        for outcomes in self._joins.outcomes(owner, start, end):
            whole = whole.merge(Summary.of(scored(outcomes, reference)))
        return whole

    def _reference(self, model: Model) -> Summary | None:
        """The summary that a model's baseline holds."""
        baseline = self._library.find(model)
        if baseline is None or baseline.outcomes is None:
            return None
        if baseline.id not in self._references:
            self._references = {baseline.id: Summary.load(baseline.outcomes)}
        return self._references[baseline.id]


def scored(outcomes: Outcomes, reference: Summary | None) -> Outcomes:
    """The same, where the class that scores are of is known if it was not told: the last one."""
    if outcomes.classes != ("",):
        return outcomes
    if reference is not None and len(reference.scores) == 1:
        return replace(outcomes, classes=tuple(reference.scores))
    known = {*outcomes.predicted, *outcomes.truth} - {None}
    if reference is not None:
        known |= {*reference.confusion.classes}
    return replace(outcomes, classes=(max(known),)) if known else outcomes


def rules_of(settings: config.Performance) -> Rules:
    """What is configured, as the measures take it."""
    relative, absolute = {}, {}
    for name, limit in settings.limits.items():
        relative[name] = {k: v for k in ("warn", "alarm") if (v := getattr(limit, k)) is not None}
        absolute[name] = {
            k: v for k in ("warn", "alarm") if (v := getattr(limit, f"{k}_at")) is not None
        }
    return Rules(
        METRICS,
        frozenset(settings.exclude),
        relative,
        absolute,
        settings.min_samples,
        settings.positive_class,
    )
