"""Where the rows of a call come from, and what they are called: for labels to find them.

An id is, in this order: what the app said (`otelml.inference_id`), the column of the input that
`OTELML_ID_COLUMN` names, the framework's id of the request; else the span's.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context.context import Context

from otelml import names
from otelml.data import Origin
from otelml.hooks._patch import GIVEN_IDS, process
from otelml.hooks._serving import Serving

if TYPE_CHECKING:
    from otelml.hooks._call import Call


def given_ids(here: Context, serving: Serving | None, data: Any) -> tuple[str, ...]:
    """The ids of a call's rows, one for all or one each; none if nobody gave any."""
    told = here.get(GIVEN_IDS)
    if isinstance(told, tuple):
        return told
    column = process().settings.id_column
    if column is not None and (ids := _of_column(data, column)):
        return ids
    request = None if serving is None else serving.attributes.get(names.INFERENCE_ID)
    return () if request is None else (str(request),)


def _of_column(data: Any, name: str) -> tuple[str, ...]:
    """The values of a column of a frame, a mapping of columns or a list of mappings."""
    values: Any = ()
    if isinstance(data, Mapping):
        values = data.get(name, ())
    elif isinstance(data, list):
        if data and all(isinstance(row, Mapping) and name in row for row in data):
            values = [row[name] for row in data]
    elif name in getattr(data, "columns", ()):
        values = data[name]
    if isinstance(values, str) or not hasattr(values, "__len__"):
        values = (values,)
    return tuple(map(str, values))


def place_of(call: "Call") -> tuple[int, int, int]:
    """When a call ended and in which trace and span; at 0 if its rows leave no records."""
    shared = call.process
    if not shared.armed:
        shared.arm()
    if not shared.settings.records:
        return 0, 0, 0
    span, parent = call.span, call.parent
    if span is None:
        trace_id = 0 if parent is trace.INVALID_SPAN else parent.get_span_context().trace_id
        return time.time_ns(), trace_id, 0
    own = span.get_span_context()
    if parent is not trace.INVALID_SPAN and own.span_id == parent.get_span_context().span_id:
        return time.time_ns(), own.trace_id, 0  # that is so without a tracer's SDK
    return time.time_ns(), own.trace_id, own.span_id


def origin_of(call: "Call") -> Origin | None:
    """The origin of a call that is over; None if its rows leave no records."""
    place = place_of(call)
    return Origin(*place, call.ids, call.chosen, call.intervals) if place[0] else None
