"""What is counted already of an input: sibling calls on it, within one request, count it once."""

import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from otelml.data import Model, Role

if TYPE_CHECKING:
    from otelml.hooks._call import Call

_RECENT: Final = 256
_SHORT: Final = 1024
_TELLING: Final = 8_192
"""Values of an array that tell whether it holds the same."""


class _Input(NamedTuple):
    """An input: a reference to it, what it held, and the roles counted of its columns."""

    reference: Any
    content: int
    seen: set[Role]


class Siblings:
    """The latest inputs of requests."""

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[int, int, Model], _Input] = OrderedDict()

    def seen(self, call: "Call") -> set[Role] | None:
        """Roles counted already of this very input in this request; None outside of one."""
        request = call.parent.get_span_context()
        if not request.is_valid:
            return None
        data = call.data
        reference: Any
        try:
            reference = weakref.ref(data)
        except TypeError:
            if not isinstance(data, list) or len(data) > _SHORT:
                return None
            reference = lambda: data  # noqa: E731 - a short list may be held for a while
        key = request.trace_id, request.span_id, call.model
        content = _content(data)
        known = self._recent.get(key)
        if known is not None and known.reference() is data and known.content == content:
            return known.seen
        seen: set[Role] = set()
        self._recent[key] = _Input(reference, content, seen)
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return seen


def _content(data: Any) -> int:
    """What an array holds now: an app may fill the same one anew for each call."""
    if type(data) is not np.ndarray:
        return 0
    step = 1 + data.size // _TELLING
    return hash((data if step == 1 else data.flat[::step]).tobytes())
