"""Windows of predictions whose labels changed: their rows are read again, and judged anew."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from otelml.data import Finding, Model, Owner, Window
from otelml.monitor.check import Checks
from otelml.monitor.paired.judge import judge as compared
from otelml.monitor.paired.roc_auc import Areas
from otelml.monitor.paired.summary import Summary as Pair
from otelml.monitor.performance.calibration_error import Curve
from otelml.monitor.performance.check import Rules
from otelml.monitor.performance.registry import METRICS
from otelml.processor import config
from otelml.processor.concepts import Concepts
from otelml.processor.library import Library
from otelml.processor.tally import Tally
from otelml.store.database import StoreError
from otelml.store.joins import Joins, Mark
from otelml.wire.proto import Service

_LOG: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 16
"""Windows assessed in one go, so that a tick stays short."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """A window of predictions, how many of its rows have labels, and what is found of them.

    `drifts` are findings on the stream of errors up to now, whatever their windows; `confusion`
    holds weights by true and predicted class, `curve` how scores are calibrated.
    """

    mark: Mark
    window: Window
    labelled: int
    findings: list[Finding]
    drifts: list[Finding]
    confusion: Mapping[tuple[str, str], float]
    curve: Curve | None = None

    @property
    def service(self) -> Service:
        """Whose window it is."""
        owner = self.mark.owner
        return Service(owner.service, owner.namespace, owner.environment)


class Assessor:
    """Judges windows as their labels come, each at most once `every` so often.

    What fails is counted in `dropped`.
    """

    def __init__(
        self,
        settings: config.Processor,
        checks: Checks,
        joins: Joins,
        library: Library,
        concepts: Concepts,
        dropped: Counter[str],
    ) -> None:
        self._settings, self._checks = settings, checks
        self._joins, self._library, self._concepts = joins, library, concepts
        self._last: dict[tuple[Owner, int], float] = {}
        self._dropped = dropped
        self.rules = rules_of(settings.performance)

    async def assess(self, now: int) -> list[Assessed]:
        """The windows that are over, and that predictions or labels came to, oldest first.

        Raises:
            StoreError: the database refused.

        """
        clock, every = time.monotonic(), self._settings.performance.every
        self._last = {key: last for key, last in self._last.items() if clock - last < every}
        due = [
            mark
            for mark in await self._joins.changed()
            if mark.start + self._joins.length <= now and (mark.owner, mark.start) not in self._last
        ]
        found = []
        for mark in due[:_AT_ONCE]:
            self._last[mark.owner, mark.start] = clock
            try:
                found.append(await self._assessed(mark, now))
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - one bad window must not hold up the others
                self._dropped["assess_error"] += 1
                _LOG.exception("a window of %r could not be assessed", mark.owner.model)
        return found

    async def done(self, assessed: list[Assessed]) -> None:
        """Forget that these windows changed: what was found of them is kept."""
        await self._joins.clean([one.mark for one in assessed])

    async def _assessed(self, mark: Mark, now: int) -> Assessed:
        owner, start, end = mark.owner, mark.start, mark.start + self._joins.length
        model = Model(owner.model, owner.version)
        population, labelled = await self._joins.population(owner, start, end)
        window = Window(model, start, end, MappingProxyType({}), population)
        if not labelled:
            return Assessed(mark, window, 0, [], [], {})
        tally, findings = await asyncio.to_thread(self._judged, owner, window)
        drifts = await asyncio.to_thread(self._concepts.feed, self._joins, owner, now)
        told = tally.confusion, tally.curve
        return Assessed(mark, window, labelled, findings, drifts, *told)

    def _judged(self, owner: Owner, window: Window) -> tuple[Tally, list[Finding]]:
        reference = self._library.reference(window.model)
        tally = Tally(self._settings, self.rules, self._checks, reference)
        for outcomes in self._joins.outcomes(owner, window.start, window.end):
            tally.add(outcomes)
        return tally, tally.findings(window) + self._compared(owner, window)

    def _compared(self, owner: Owner, window: Window) -> list[Finding]:
        """A challenger beside its champions."""
        champions = {p.champion for p in self._settings.shadows if p.challenger == owner.model}
        findings = []
        for other in self._joins.owners() if champions else ():
            if other[:3] == owner[:3] and other.model in champions:
                pairs = [*self._joins.paired(other, owner, window.start, window.end)]
                whole, positive = Pair(), None
                for one, two in pairs:
                    whole = whole.merge(Pair.of(one, two))
                    positive = one.classes[0] if len(one.classes) == 1 else positive
                areas = None if positive is None else Areas.of(pairs, positive)
                champion = Model(other.model, other.version)
                fewest = self._settings.performance.min_samples
                findings += compared(whole, areas, champion, window, fewest)
        return findings


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
