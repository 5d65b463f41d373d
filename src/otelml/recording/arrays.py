"""From lists and the like to arrays: numbers as numpy has them, texts as objects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.data import Block, Role
from otelml.recording.scalars import is_number, number_of


def plain(data: Any) -> npt.NDArray[Any]:
    """An array as it is, or anything like one; texts among other things are objects.

    numpy would make text of mixed rows, and each as wide as the longest.
    """
    if isinstance(data, np.ndarray):
        return data
    if isinstance(data, list | tuple) and _has_text(data):
        return np.asarray(data, object)
    array = np.asarray(data)
    return np.asarray(data, object) if array.dtype.kind in "US" else array


def _has_text(values: Sequence[Any]) -> bool:
    """Whether there is a text in a list, or in a list within."""
    kinds = {*map(type, values)}
    if any(issubclass(kind, str | bytes) for kind in kinds):
        return True
    nested = not kinds.isdisjoint((list, tuple))
    return nested and any(_has_text(v) for v in values if isinstance(v, list | tuple))


def summary(prefix: str, array: npt.NDArray[Any]) -> Block:
    """Mean, standard deviation and norm of each row of a tensor."""
    flat = np.asarray(array, np.float64).reshape(len(array), -1)
    values = np.column_stack([flat.mean(axis=1), flat.std(axis=1), np.linalg.norm(flat, axis=1)])
    return Block(Role.FEATURE, tuple(f"{prefix}{name}" for name in ("mean", "std", "norm")), values)


def objects_of(values: list[Any]) -> npt.NDArray[Any]:
    """An array of single values; of numbers if all are."""
    if all(map(is_number, values)):
        return np.array([*map(number_of, values)])
    return np.fromiter(values, object, len(values))  # each as it is, even if it is an array
