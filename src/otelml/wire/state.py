"""Values of streams as JSON, to be kept beside what was counted of them."""

import base64
import math
from typing import Any

import numpy as np

from otelml.sketch.array import Ints
from otelml.sketch.buckets import Buckets
from otelml.sketch.exponential import Exponential
from otelml.sketch.probability import Probability
from otelml.wire.values import Value


def dump(value: Value) -> list[Any]:
    """A value, for JSON."""
    if isinstance(value, Exponential):
        extremes = [None if math.isnan(x) else x for x in (value.minimum, value.maximum)]
        signs = [[b.offset, _packed(b.counts)] for b in (value.positive, value.negative)]
        return ["exponential", value.scale, value.zeros, *signs, *extremes, value.origin]
    if isinstance(value, Probability):
        return ["probability", _packed(value.counts), value.sum]
    return ["number", value]


def load(state: list[Any]) -> Value:
    """The value that `dump` described.

    Raises:
        ValueError: it described none.

    """
    match state:
        case ["exponential", scale, zeros, [up, ups], [down, downs], low, high, origin]:
            sides = Buckets(up, _unpacked(ups)), Buckets(down, _unpacked(downs))
            least, most = (math.nan if x is None else x for x in (low, high))
            return Exponential(scale, zeros, *sides, least, most, origin)
        case ["probability", counts, total]:
            return Probability(_unpacked(counts), total)
        case ["number", (int() | float()) as number]:
            return number
        case _:
            raise ValueError(f"no value of a stream: {state!r}")


def _packed(counts: Ints) -> str:
    return base64.b64encode(counts.astype("<i8").tobytes()).decode()


def _unpacked(text: str) -> Ints:
    return np.frombuffer(base64.b64decode(text), "<i8").astype(np.int64)
