"""Evaluations: what is complete is judged, and kept with the state that it led to."""

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from otelml.data import Verdict
from otelml.processor.assess import Assessed, Assessor
from otelml.processor.events import told
from otelml.processor.judged import Judged
from otelml.processor.keeping import Evaluation, Keeping
from otelml.processor.library import Library
from otelml.processor.outbox import Outbox
from otelml.processor.teller import Teller
from otelml.processor.turns import Turns
from otelml.processor.watch import Watch
from otelml.store.journal import Journal

if TYPE_CHECKING:
    from otelml.wire.proto import Service

_LOG: Final = logging.getLogger(__name__)
_JOURNAL_BYTES: Final = 256 << 20
"""Requests beyond which the state is written anew, so that a restart has little to replay."""


class Evaluator:
    """Evaluates, one time after the other.

    Between windows there is room for requests: those of many models, each of many features, take
    longer than a sender or a probe of health waits.
    """

    def __init__(
        self,
        watch: Watch,
        library: Library,
        assessor: Assessor,
        teller: Teller,
        journal: Journal,
        outboxes: Mapping[str, Outbox],
    ) -> None:
        self._watch, self._library, self._assessor = watch, library, assessor
        self._teller, self._journal, self._outboxes = teller, journal, outboxes
        self._keeping = Keeping(journal, self._kept)
        self._task: asyncio.Task[None] | None = None
        self._until = math.inf

    async def evaluate(self, now: int) -> None:
        """Judge what is complete; keep state and findings in one transaction.

        Whoever stops waiting for this does not stop it: what is judged is gone from the windows.

        Raises:
            StoreError: it was not kept, or what came before was not.

        """
        self._task = asyncio.create_task(self._evaluate(now))
        await asyncio.shield(self._task)

    async def finish(self, now: int, seconds: float) -> None:
        """Evaluate a last time, for so long; windows beyond that are left to the next start.

        Raises:
            StoreError: it was not kept, or what came before was not.

        """
        self._until = time.monotonic() + seconds
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self._evaluate(now, last=True)

    async def _evaluate(self, now: int, *, last: bool = False) -> None:
        """What could not be kept is kept before anything else is judged."""
        await self._keeping.finish()
        assessed = await self._assessor.assess(now)
        turns = Turns()
        judged: dict[Service, list[Judged]] = {}  # from here on nothing may fail
        for service, one in self._watch.judged(now, self._library):
            judged.setdefault(service, []).append(one)
            _say(one, self._library)
            if one.shown and time.monotonic() > self._until:  # after all that are forgotten
                break
            await turns.over()
        for each in assessed:
            one = self._watch.assess(each.service, each, self._library, now)
            judged.setdefault(each.service, []).append(one)
            _say(one, self._library)
        if not judged and not last and self._journal.bytes < _JOURNAL_BYTES:
            return
        letters = await self._teller.letters(judged, now)
        repeated = self._teller.latest.dump(now)
        state, number = self._watch.dump(), self._watch.number
        await self._keeping.keep(Evaluation(state, number, letters, repeated, assessed))

    async def _kept(self, assessed: list[Assessed]) -> None:
        """What was derived can be sent."""
        for outbox in self._outboxes.values():
            outbox.wake()
        await self._assessor.done(assessed)


def _say(judged: Judged, library: Library) -> None:
    """Tell the log what came of a window."""
    window = judged.window
    name = window.model.name
    blind = any(f.verdict is Verdict.NO_BASELINE and not f.labels for f in judged.findings)
    if blind and judged.labelled is None:
        known = ", ".join(library.models)
        others = f"; there are baselines of {known}" if known else ""
        _LOG.warning("model %r: no_baseline: %d rows cannot be judged%s", name, window.rows, others)
    for finding in judged.opened:
        _LOG.warning("model %r: %s", name, told(finding, opened=True))
    for finding in judged.resolved:
        _LOG.info("model %r: %s", name, told(finding, opened=False))
