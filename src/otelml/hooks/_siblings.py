"""What is counted already of an input: sibling calls on it, within one request, count it once."""

import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from otelml.data import Model, Role

if TYPE_CHECKING:
    from otelml.hooks._call import Call

_RECENT: Final = 256
_SHORT: Final = 1024


class Siblings:
    """The latest inputs of requests, and the roles of the columns that were counted of each."""

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[int, int, Model], tuple[Any, set[Role]]] = OrderedDict()

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
        known = self._recent.get(key)
        if known is not None and known[0]() is data:
            return known[1]
        seen: set[Role] = set()
        self._recent[key] = reference, seen
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return seen
