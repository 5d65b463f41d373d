"""Values of streams as JSON, to be kept beside what was counted of them."""

from typing import Any

from otelml.sketch.exponential import Exponential
from otelml.sketch.probability import Probability
from otelml.sketch.state import (
    dump_exponential,
    dump_probability,
    load_exponential,
    load_probability,
)
from otelml.wire.values import Value


def dump(value: Value) -> list[Any]:
    """A value, for JSON."""
    if isinstance(value, Exponential):
        return ["exponential", *dump_exponential(value)]
    if isinstance(value, Probability):
        return ["probability", *dump_probability(value)]
    return ["number", value]


def load(state: list[Any]) -> Value:
    """The value that `dump` described.

    Raises:
        ValueError, TypeError: it described none.

    """
    match state:
        case ["exponential", *histogram]:
            return load_exponential(histogram)
        case ["probability", *histogram]:
            return load_probability(histogram)
        case ["number", (int() | float()) as number]:
            return number
        case _:
            raise ValueError(f"no value of a stream: {state!r}")
