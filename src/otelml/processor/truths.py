"""Where predictions and labels meet: what cannot be right is refused, the rest is kept durably."""

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from otelml.data import Model, Owner, Prediction, Truth
from otelml.processor.labels import Refused
from otelml.sketch.exponential import Exponential
from otelml.store.database import StoreError
from otelml.store.joins import Joins, State
from otelml.store.schema import Content, Known, class_of, number_of
from otelml.wire.proto import Service
from otelml.wire.rows import alike

_MOST_DELAYS: Final = 65_536
_MOST_OWNERS: Final = 10_000
"""Models of services whose predictions are kept: names come from outside."""
_LONGEST_NAME: Final = 2000  # PostgreSQL indexes 2704 bytes

REFUSED: Final = "refused"
EXPIRED: Final = "expired"
MODEL_LIMIT: Final = "model_limit"
STORE_ERROR: Final = "store_error"
"""What was refused because it could not be kept; whoever sent it may send it again."""


class Taken(NamedTuple):
    """What became of the labels of a request, and predictions of too many models in it.

    `dropped` counts these, and `events` what they came in.
    """

    states: Counter[str]
    refused: list[Refused]
    dropped: int
    events: int


class Truths:
    """The join, and what is told of it."""

    def __init__(
        self,
        joins: Joins,
        classes: Callable[[Owner], Collection[str] | None],
        *,
        forward: bool = False,
    ) -> None:
        self._joins, self._classes = joins, classes
        self.forward = forward
        """Whether events of predictions and labels go on to the next hop."""
        self.states: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.pending: dict[Owner, int] = {}
        """Predictions that waited for a label at the last sweep, by whose they are."""
        self._owners: set[Owner] = set()
        self._fresh: set[Owner] = set()
        self._delays: list[float] = []
        self._histogram, self._total = Exponential.empty(), 0.0

    async def accept(
        self,
        predictions: Sequence[tuple[Service, Model, Prediction]],
        truths: Sequence[Truth],
    ) -> Taken:
        """Keep what came; it is acknowledged when this returns.

        Raises:
            StoreError: it was not kept.

        """
        owned, events = self._owned(predictions)
        try:
            refused = await self._refused(truths)
            kept = [truth for place, truth in enumerate(truths) if place not in refused]
            accepted = await self._joins.accept(owned, kept, time.time_ns())
        except StoreError:
            self.dropped[STORE_ERROR] += len(predictions) + len(truths)
            raise
        self.states.update({str(state): accepted.count(state) for state in State})
        self.states[REFUSED] += len(refused)
        self._delays += [max(seconds, 0.0) for _, seconds in accepted.delays]
        if len(self._delays) > _MOST_DELAYS:
            self._fold()
        return Taken(
            Counter(map(str, accepted.states)),
            [Refused(place, reason) for place, reason in refused.items()],
            len(predictions) - len(owned),
            events,
        )

    async def sweep(self, now: int) -> None:
        """Let go of what waited too long, and count what waits.

        Raises:
            StoreError: the database refused.

        """
        expired = await self._joins.expire(now)
        self.states[EXPIRED] += expired.labels
        fresh, self._fresh = self._fresh, set()  # their rows may not be there yet
        self.pending = await self._joins.waiting()
        self._owners = {*self.pending, *fresh, *self._fresh}

    def _owned(
        self, predictions: Sequence[tuple[Service, Model, Prediction]]
    ) -> tuple[list[tuple[Owner, Prediction]], int]:
        """Predictions with their owners, and in how many events those of too many models came."""
        owned = []
        over = set()
        for service, model, one in predictions:
            owner = owner_of(service, model)
            if owner in self._owners or self._enrol(owner):
                owned.append((owner, one))
            else:
                over.add(id(model))  # that of an event's rows is one object
        self.dropped[MODEL_LIMIT] += len(predictions) - len(owned)
        return owned, len(over)

    def _enrol(self, owner: Owner) -> bool:
        """Whether there is room for another's predictions, and for its name in an index."""
        if len(self._owners) >= _MOST_OWNERS or len(json.dumps(owner)) > _LONGEST_NAME:
            return False
        self._owners.add(owner)
        self._fresh.add(owner)
        return True

    async def _refused(self, truths: Sequence[Truth]) -> dict[int, str]:
        """Labels that cannot be right of what was predicted under their id, and why."""
        if not truths:
            return {}
        found = await self._joins.find([truth.id for truth in truths])
        refused = {}
        for place, truth in enumerate(truths):
            reasons = [
                self._misfit(truth, owner, content)
                for owner, content in found[truth.id]
                if truth.model in (None, owner.model)
            ]
            if reasons and all(reasons):
                refused[place] = str(reasons[0])
        return refused

    def _misfit(self, truth: Truth, owner: Owner, content: Content) -> str | None:
        known = Known(truth.time, truth.label, truth.value, truth.weight)
        if not content.classified:
            if content.value is None or number_of(known) is not None:
                return None
            return f"label: {truth.label!r} is no number, and {owner.model} predicts one"
        classes = self._classes(owner)
        label = class_of(known, content)
        if classes is None or label in {alike(one, label or "") for one in classes}:
            return None
        return f"label: {label!r} is no class of {owner.model}"

    def delay(self) -> tuple[Exponential, float]:
        """The delays of labels so far, and their sum, in seconds."""
        self._fold()
        return self._histogram, self._total

    def _fold(self) -> None:
        if self._delays:
            self._histogram = self._histogram.merge(Exponential.of(self._delays))
            self._total += sum(self._delays)
            self._delays.clear()


def owner_of(service: Service, model: Model) -> Owner:
    """Whose a prediction is."""
    return Owner(service.name, service.namespace, service.environment, model.name, model.version)
