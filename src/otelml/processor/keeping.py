"""State, and what was derived on the way to it, until both are kept.

A full disk may refuse them: then nothing more is derived before they are taken, so that what waits
is bounded, and nothing is lost or told twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from otelml.processor.assess import Assessed
from otelml.store.journal import Journal, Letter, Repeated


class Evaluation(NamedTuple):
    """A state, the last request that it includes, and what came of it."""

    state: bytes
    number: int
    letters: Sequence[Letter]
    repeated: Sequence[Repeated]
    assessed: list[Assessed]


class Keeping:
    """The latest evaluation; `done` is called once it is kept."""

    def __init__(self, journal: Journal, done: Callable[[list[Assessed]], Awaitable[None]]) -> None:
        self._journal, self._done = journal, done
        self._left: Evaluation | None = None
        self._task: asyncio.Task[None] | None = None

    async def keep(self, new: Evaluation) -> None:
        """Keep an evaluation, once nothing is left of the one before.

        Raises:
            StoreError: it was not kept, and is left.

        """
        self._left = new
        await self.finish()

    async def finish(self) -> None:
        """Keep what is left; whoever stops waiting for this does not stop it.

        Raises:
            StoreError: it was not kept, and is still left.

        """
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._finish())
        await asyncio.shield(self._task)

    async def _finish(self) -> None:
        if self._left is not None:
            state, number, letters, repeated, assessed = self._left
            await self._journal.snapshot(state, number, letters, repeated)
            self._left = None
            await self._done(assessed)
