"""Shadow models: a challenger's calls beside the champion's in the same trace.

Predicted classes are compared row by row, and agreement is counted; numbers are not compared.
"""

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


class Shadows:
    """Predictions of recent traces that wait for their counterpart."""

    def __init__(self) -> None:
        self.used = False
        self._lock = threading.Lock()
        self._champions: OrderedDict[int, _Told] = OrderedDict()
        self._challengers: OrderedDict[int, list[_Told]] = OrderedDict()

    def pair(
        self, trace: int, here: Context, model: Model, columns: tuple[Block | Labels, ...]
    ) -> None:
        """Compare what a call predicted with what its counterpart did, or will."""
        classes = next(
            (c.values for c in columns if isinstance(c, Labels) and c.role is Role.PREDICTION), None
        )
        if classes is None or not trace:
            return
        told = _Told(model, classes)
        with self._lock:
            if here.get(SHADOW):
                champion = self._champions.get(trace)
                pairs = [(champion, told)] if champion is not None else []
                if champion is None:
                    self._challengers.setdefault(trace, []).append(told)
            else:
                self._champions[trace] = told
                pairs = [(told, other) for other in self._challengers.pop(trace, [])]
            for held in (self._champions, self._challengers):
                while len(held) > _TRACES:
                    held.popitem(last=False)
        for champion, challenger in pairs:
            _count(champion, challenger)


def _count(champion: _Told, challenger: _Told) -> None:
    if len(champion.classes) != len(challenger.classes):
        return
    same = Counter(map(str.__eq__, map(str, champion.classes), map(str, challenger.classes)))
    for agreed, rows in same.items():
        process().recorder.compared(challenger.model, champion.model, rows, agreed=agreed)


SHADOWS = Shadows()


@contextmanager
def shadow() -> Iterator[None]:
    """Mark the model calls within as those of a challenger, which nobody acts on.

    They are recorded as any other, and what they predict is compared with what the champion
    predicts in the same trace, before or after: `ml.shadow.agreement`. Champions are remembered
    from the first use in a process on.
    """
    SHADOWS.used = True
    token = context.attach(context.set_value(SHADOW, value=True))
    try:
        yield
    finally:
        context.detach(token)
