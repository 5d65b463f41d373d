"""What happens to a request, top to bottom: check, forward, keep, fold; then the answer.

Predictions and labels are kept before the rest of their request is forwarded.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError

from otelml import names
from otelml.processor.exporters import Exporter
from otelml.processor.outline import check_points, check_records, check_resources
from otelml.processor.refusal import LONGEST, busy, invalid
from otelml.processor.signals import Signal
from otelml.processor.truths import MODEL_LIMIT, STORE_ERROR, Truths
from otelml.processor.watch import Watch
from otelml.store.database import StoreError
from otelml.store.journal import Journal
from otelml.wire.proto import StreamPoint
from otelml.wire.records import read as read_records
from otelml.wire.text import raw

_OURS: Final = names.PREFIX.encode()
_ITEMS: Final = {Signal.METRICS: "data points", Signal.LOGS: "log records"}
_LOG: Final = logging.getLogger(__name__)
_MOST_HELD: Final = 256 << 20
"""Bytes of requests under way, inflated, beyond which no other is taken: a backend may be slow."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a signal goes, and whether it is looked at on its way."""

    exporters: tuple[str, ...]
    watched: bool
    forward: bool


class Pipeline:
    """Receives requests of every signal, whatever way they came."""

    def __init__(
        self,
        routes: Mapping[Signal, Route],
        exporters: Mapping[str, Exporter],
        watch: Watch,
        journal: Journal,
        truths: Truths,
    ) -> None:
        self._routes, self._exporters = routes, exporters
        self._watch, self._journal, self._truths = watch, journal, truths
        self.draining = False
        self._refusing = False
        self._running = self._held = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def receive(self, signal: Signal, body: bytes) -> bytes:
        """The answer to a request, once it was forwarded and kept.

        Raises:
            RefusalError: it was not.

        """
        if self.draining:
            raise busy("shutting down")
        if self._held and self._held + len(body) > _MOST_HELD:
            _LOG.warning("a request was refused: too many bytes are under way")
            raise busy("too many bytes are under way")
        self._held += len(body)
        self._running += 1
        self._idle.clear()
        try:
            return await self._received(signal, body)
        finally:
            self._held -= len(body)
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _received(self, signal: Signal, body: bytes) -> bytes:
        route = self._routes[signal]
        if route.watched and signal is Signal.LOGS and _OURS in body:
            return await self._joined(route, body)
        ours = route.watched and signal is Signal.METRICS and _OURS in body
        points: list[StreamPoint] = []
        bad: Counter[str] = Counter()
        if ours:
            check_points(body)
            try:
                points, bad = self._watch.read(body, time.time_ns())
            except DecodeError as error:
                raise invalid(f"not an OTLP {signal} request: {error}") from error
        elif route.forward:
            check_resources(body)
        else:
            _check_whole(signal, body)
        answer = b""
        first = self._refusing  # so that what is refused is not forwarded with every attempt
        if points and first:
            await self._keep(body, points)
        if route.forward:
            answer = await self._forward(route.exporters, signal, body)
        if points and not first:
            await self._keep(body, points)
        return answered(answer, bad) if bad else answer

    async def _keep(self, body: bytes, points: list[StreamPoint]) -> None:
        """Keep a request in the journal, and count it when it is kept."""
        try:
            await self._journal.append(body, lambda number: self._fold(number, points))
        except StoreError as error:
            self._refusing = True
            self._watch.dropped[STORE_ERROR] += len(points)
            _LOG.error("%s", error)
            raise busy(f"the state cannot be written: {error}", 5.0) from error
        self._refusing = False

    async def _joined(self, route: Route, body: bytes) -> bytes:
        """The answer to logs with predictions or labels in them, once they are kept."""
        check_records(body)
        try:
            found = read_records(body, keep=self._truths.forward)
        except DecodeError as error:
            raise invalid(f"not an OTLP {Signal.LOGS} request: {error}") from error
        bad = found.bad
        # Kept first: what comes again changes nothing there, but the next hop would have it twice.
        if found.predictions or found.truths:
            try:
                taken = await self._truths.accept(found.predictions, found.truths)
            except StoreError as error:
                _LOG.error("%s", error)
                raise busy(f"labels cannot be kept: {error}", 5.0) from error
            bad = bad + Counter(one.reason for one in taken.refused)
            bad += Counter({MODEL_LIMIT: taken.events})
        answer = b""
        if route.forward and found.rest:
            answer = await self._forward(route.exporters, Signal.LOGS, found.rest)
        return answered(answer, bad, Signal.LOGS) if bad else answer

    async def _forward(self, names: Sequence[str], signal: Signal, body: bytes) -> bytes:
        if len(names) == 1:  # a task less for every request
            return await self._exporters[names[0]].send(signal, body)
        sent = (self._exporters[name].send(signal, body) for name in names)
        answers = await asyncio.gather(*sent)
        return answers[0]

    def _fold(self, number: int, points: list[StreamPoint]) -> None:
        try:
            self._watch.fold(number, points, time.time_ns())
        except Exception:  # noqa: BLE001 - one bad request or window must not end the service
            self._watch.dropped["fold_error"] += len(points)
            _LOG.exception("a request could not be folded")

    def replay(self) -> int:
        """Fold what was accepted after the state that was loaded; how many requests it was."""
        count = 0
        for number, body in self._journal.entries(self._watch.number):
            count += 1
            try:
                points, _ = self._watch.read(body, time.time_ns())
            except DecodeError:
                self._watch.dropped["damaged"] += 1
                _LOG.error("request %d in the store is damaged, and left out", number)
            else:
                self._fold(number, points)
        return count

    async def drain(self, seconds: float) -> None:
        """Take nothing more, and wait for what is under way."""
        self.draining = True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            _LOG.warning("%d requests were still under way", self._running)


def _check_whole(signal: Signal, body: bytes) -> None:
    try:
        raw(signal.request).FromString(body)
    except DecodeError as error:
        raise invalid(f"not an OTLP {signal} request: {error}") from error


def answered(answer: bytes, bad: Counter[str], signal: Signal = Signal.METRICS) -> bytes:
    """The answer of the next hop, and what of ours was not counted, by reason."""
    try:
        response: Any = signal.response.FromString(answer)
    except DecodeError:
        response = signal.response()
    partial, items = response.partial_success, _ITEMS[signal]
    counter = f"rejected_{items.replace(' ', '_')}"
    setattr(partial, counter, getattr(partial, counter) + bad.total())
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(bad.items()))
    told = f"{bad.total()} {items} were not counted: {reasons}"
    partial.error_message = "; ".join(t for t in (partial.error_message, told) if t)[:LONGEST]
    whole: bytes = response.SerializeToString()
    return whole
