"""Shadow models: a challenger's calls beside the champion's in the same trace.

Predicted classes are compared row by row, and agreement is counted; numbers are not compared.
"""

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from opentelemetry import context
from opentelemetry.context.context import Context

from otelml.data import Block, Labels, Model, Role
from otelml.hooks._patch import process

SHADOW: Final = context.create_key("otelml-shadow")
_TRACES: Final = 256


class _Told(NamedTuple):
    """What one model predicted in a trace."""

    model: Model
    classes: tuple[str | None, ...]


class _Trace:
    """What of a trace waits for a counterpart: the champion's last call, each challenger's last.

    A call is compared once with each counterpart: in a trace of several requests that of one must
    not meet that of another.
    """

    __slots__ = ("champion", "met", "waiting")

    def __init__(self) -> None:
        self.champion: _Told | None = None
        self.met: set[Model] = set()
        self.waiting: dict[Model, _Told] = {}

    def add(self, told: _Told, *, shadow: bool) -> list[tuple[_Told, _Told]]:
        """Champions and challengers that meet by this call."""
        if not shadow:
            pairs = [(told, other) for other in self.waiting.values()]
            self.champion, self.met, self.waiting = told, {*self.waiting}, {}
            return pairs
        if self.champion is None or told.model in self.met:
            self.waiting[told.model] = told
            return []
        self.met.add(told.model)
        return [(self.champion, told)]


class Shadows:
    """Predictions of recent traces that wait for their counterpart."""

    def __init__(self) -> None:
        self.used = False
        self.forget()

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._lock = threading.Lock()
        self._traces: OrderedDict[int, _Trace] = OrderedDict()

    def pair(
        self, trace: int, here: Context, model: Model, columns: tuple[Block | Labels, ...]
    ) -> None:
        """Compare what a call predicted with what its counterpart did, or will."""
        classes = next(
            (c.values for c in columns if isinstance(c, Labels) and c.role is Role.PREDICTION), None
        )
        if classes is None or not trace:
            return
        with self._lock:
            known = self._traces.setdefault(trace, _Trace())
            self._traces.move_to_end(trace)
            pairs = known.add(_Told(model, classes), shadow=bool(here.get(SHADOW)))
            while len(self._traces) > _TRACES:
                self._traces.popitem(last=False)
        for champion, challenger in pairs:
            _count(champion, challenger)


def _count(champion: _Told, challenger: _Told) -> None:
    if len(champion.classes) != len(challenger.classes):
        return
    same = Counter(map(str.__eq__, map(str, champion.classes), map(str, challenger.classes)))
    for agreed, rows in same.items():
        process().recorder.compared(challenger.model, champion.model, rows, agreed=agreed)


SHADOWS: Final = Shadows()
if hasattr(os, "register_at_fork"):  # Windows has none
    os.register_at_fork(after_in_child=SHADOWS.forget)


@contextmanager
def shadow() -> Iterator[None]:
    """Mark the model calls within as those of a challenger, which nobody acts on.

    They are recorded as any other, and what they predict is compared with what the champion
    predicts in the same trace, last before or first after: `ml.shadow.agreement`. Champions are
    remembered from the first use in a process on.
    """
    SHADOWS.used = True
    token = context.attach(context.set_value(SHADOW, value=True))
    try:
        yield
    finally:
        context.detach(token)
