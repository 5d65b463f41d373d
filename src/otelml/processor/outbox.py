"""Sends what was derived, oldest first and until it is taken, out of the store."""

import asyncio
import logging
import time
from typing import Final

from google.protobuf.message import DecodeError

from otelml.processor.exporters import Exporter
from otelml.processor.refusal import LONGEST, RefusalError, invalid
from otelml.processor.signals import Signal
from otelml.store.journal import Journal, Letter, StoreError

_LOG: Final = logging.getLogger(__name__)
_SHORTEST, _LONGEST = 1.0, 30.0
_PATIENCE: Final = 86400.0
_MESSAGE: Final = "error_message"


class Outbox:
    """The requests that wait for one exporter, `most` of them.

    One that is refused for `patience` seconds, though it might come again, is given up, so that it
    does not hold up the others for ever.
    """

    def __init__(
        self,
        name: str,
        exporter: Exporter,
        journal: Journal,
        most: int,
        patience: float = _PATIENCE,
    ) -> None:
        self._name, self._exporter, self._journal, self._most = name, exporter, journal, most
        self._patience = patience
        self._settled: int | None = None
        self._refused: tuple[int, float] | None = None  # which, and since when
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def wake(self) -> None:
        """There is more to send."""
        self._more.set()

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send no more; what is left stays in the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def flush(self) -> None:
        """Send what is left as long as it is taken."""
        while await self._one() == "sent":
            pass

    async def _run(self) -> None:
        delay = _SHORTEST
        while True:
            self._more.clear()
            try:
                self.dropped += await self._journal.trim(self._name, self._most)
                while (outcome := await self._one()) == "sent":
                    delay = _SHORTEST
                    if self._more.is_set():  # and must not be too much
                        break
            except StoreError as error:
                _LOG.error("%s", error)
                outcome = "failed"
            if outcome == "empty":
                await self._more.wait()
            elif outcome == "failed":
                await asyncio.sleep(delay)
                delay = min(delay * 1.5, _LONGEST)

    async def _one(self) -> str:
        oldest = await self._journal.first(self._name)
        if oldest is None:
            return "empty"
        number, letter = oldest
        if number != self._settled and not await self._settle(number, letter):
            return "failed"
        self._settled = number  # not to be sent again if a full disk does not let it go
        await self._journal.sent(number)
        return "sent"

    async def _settle(self, number: int, letter: Letter) -> bool:
        """Send a letter; False if it is to be sent again."""
        try:
            signal = _signal(letter)
            self._look(signal, await self._exporter.send(signal, letter.body))
        except RefusalError as refusal:
            if refusal.retryable and self._waits(number):
                _LOG.warning("%s does not take findings yet: %s", self._name, refusal.message)
                if refusal.retry_after:
                    await asyncio.sleep(min(refusal.retry_after, _LONGEST))
                return False
            self.dropped += 1
            _LOG.error("%s refused findings: %s", self._name, refusal.message)
        except Exception:  # noqa: BLE001 - whatever it is, the next try may go well
            _LOG.exception("findings could not be sent to %s", self._name)
            return False
        return True

    def _waits(self, number: int) -> bool:
        """Whether a letter that was refused may be sent again."""
        now = time.monotonic()
        if self._refused is None or self._refused[0] != number:
            self._refused = number, now
        return now - self._refused[1] < self._patience

    def _look(self, signal: Signal, answer: bytes) -> None:
        """Tell what was left out of a letter that was taken: it is not to be sent again."""
        try:
            partial = signal.response.FromString(answer).partial_success
        except DecodeError:
            return
        rejected = sum(value for field, value in partial.ListFields() if field.name != _MESSAGE)
        if rejected or partial.error_message:
            self.dropped += max(rejected, 0)
            _LOG.warning(
                "%s left out %d findings: %s", self._name, rejected, partial.error_message[:LONGEST]
            )


def _signal(letter: Letter) -> Signal:
    """What a letter is of; one that another version left may be of what this one does not send."""
    try:
        return Signal(letter.signal)
    except ValueError as error:
        raise invalid(f"{letter.signal!r} is nothing that can be sent") from error
