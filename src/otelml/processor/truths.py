"""Where predictions and labels meet: what cannot be right is refused, the rest is kept durably."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from otelml.data import Model, Owner, Prediction, Truth
from otelml.processor.labels import Refused
from otelml.sketch.exponential import Exponential
from otelml.store.joins import Joins, State
from otelml.wire.proto import Service

_MOST_DELAYS: Final = 65_536


class Taken(NamedTuple):
    """What became of the labels of a request."""

    states: Counter[str]
    refused: list[Refused]


class Truths:
    """The join, and what is told of it."""

    def __init__(self, joins: Joins, *, forward: bool = False) -> None:
        self._joins = joins
        self.forward = forward
        """Whether events of predictions and labels go on to the next hop."""
        self.states: Counter[str] = Counter()
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
        owned = [(owner_of(service, model), one) for service, model, one in predictions]
        accepted = await self._joins.accept(owned, truths, time.time_ns())
        states = Counter({str(state): accepted.count(state) for state in State})
        self.states.update(states)
        self._delays += [max(seconds, 0.0) for _, seconds in accepted.delays]
        if len(self._delays) > _MOST_DELAYS:
            self._fold()
        refused = [
            Refused(place, UNKNOWN)
            for place, state in enumerate(accepted.states)
            if state is State.REFUSED
        ]
        return Taken(Counter(map(str, accepted.states)), refused)

    def delay(self) -> tuple[Exponential, float]:
        """The delays of labels so far, and their sum, in seconds."""
        self._fold()
        return self._histogram, self._total

    def _fold(self) -> None:
        if self._delays:
            self._histogram = self._histogram.merge(Exponential.of(self._delays))
            self._total += sum(self._delays)
            self._delays.clear()


UNKNOWN: Final = "label: no class of the model, or no number where the model predicts one"


def owner_of(service: Service, model: Model) -> Owner:
    """Whose a prediction is."""
    return Owner(service.name, service.namespace, service.environment, model.name, model.version)
