"""The one mapping between pieces of series and the metrics and attributes that carry them."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from otelml import names
from otelml.data import Key, Model, Role
from otelml.sketch.parts import Label, Part

Attributes: TypeAlias = Mapping[str, str | float | int | bool]


class Address(NamedTuple):
    """Where a piece travels: the metric and the attributes of its point."""

    metric: str
    attributes: dict[str, str | float]


class Location(NamedTuple):
    """What a point tells of: the inverse of an address."""

    key: Key
    part: Part
    label: Label
    origin: float


_COLUMN: Final = MappingProxyType(
    {
        (Role.FEATURE, Part.BODY): names.FEATURE_VALUE,
        (Role.FEATURE, Part.TAIL): names.FEATURE_VALUE,
        (Role.FEATURE, Part.COUNT): names.FEATURE_COUNT,
        (Role.FEATURE, Part.SUM): names.FEATURE_SUM,
        (Role.FEATURE, Part.SQUARES): names.FEATURE_SUM_OF_SQUARES,
        (Role.FEATURE, Part.CATEGORY): names.FEATURE_CATEGORIES,
        (Role.PREDICTION, Part.BODY): names.PREDICTION_VALUE,
        (Role.PREDICTION, Part.TAIL): names.PREDICTION_VALUE,
        (Role.PREDICTION, Part.COUNT): names.PREDICTION_COUNT,
        (Role.PREDICTION, Part.SUM): names.PREDICTION_SUM,
        (Role.PREDICTION, Part.SQUARES): names.PREDICTION_SUM_OF_SQUARES,
        (Role.PREDICTION, Part.CATEGORY): names.PREDICTION_CLASSES,
        (Role.SCORE, Part.SHARES): names.PREDICTION_SCORE,
        (Role.CONFIDENCE, Part.SHARES): names.PREDICTION_CONFIDENCE,
    }
)
_CALL: Final = MappingProxyType(
    {
        Role.DURATION: names.INFERENCE_DURATION,
        Role.CLIENT_DURATION: names.CLIENT_INFERENCE_DURATION,
        Role.BATCH_SIZE: names.INFERENCE_BATCH_SIZE,
        Role.PREDICTIONS: names.INFERENCE_PREDICTIONS,
        Role.ACTIVE: names.INFERENCE_ACTIVE,
        Role.LOAD_DURATION: names.MODEL_LOAD_DURATION,
        Role.DROPPED: names.ITEM_DROPPED,
        Role.AGREEMENT: names.SHADOW_AGREEMENT,
    }
)
_CALL_ROLES: Final = MappingProxyType({metric: role for role, metric in _CALL.items()})
_COUNTED: Final = (Role.PREDICTIONS, Role.ACTIVE, Role.AGREEMENT)
_PARTS: Final = MappingProxyType(
    {metric: part for (_, part), metric in _COLUMN.items() if part is not Part.TAIL}
)
_VIOLATIONS: Final = frozenset({Part.MISSING, Part.NON_FINITE, Part.TYPE_MISMATCH})
_PIVOTED: Final = frozenset({Part.COUNT, Part.SUM, Part.SQUARES})


def address(key: Key, part: Part, label: Label = None, origin: float = 0.0) -> Address | None:
    """The metric and attributes of a piece; None for a piece that does not travel.

    A target and an error share the metrics of predictions, and are told apart by `ml.role`.
    """
    attributes: dict[str, str | float] = {names.MODEL_NAME: key.model.name}
    if key.model.version is not None:
        attributes[names.MODEL_VERSION] = key.model.version
    attributes.update(key.labels)
    if not key.role.is_column:
        if part not in (Part.BODY, Part.TOTAL):
            return None
        if key.role is Role.DROPPED:
            return Address(_CALL[key.role], dict(key.labels))
        if key.role in (Role.LOAD_DURATION, Role.AGREEMENT):
            return Address(_CALL[key.role], attributes)
        return Address(_CALL[key.role], attributes | {names.OPERATION: key.name})
    attributes[names.ROLE] = str(key.role)
    if key.name:
        feature = key.role is Role.FEATURE
        attributes[names.FEATURE_NAME if feature else names.OUTPUT_NAME] = key.name
    if part in _VIOLATIONS:
        return Address(names.VIOLATIONS, attributes | {names.VIOLATION_TYPE: str(part)})
    if part is Part.OBSERVATIONS:
        feature = key.role is Role.FEATURE
        return Address(names.FEATURE_OBSERVATIONS, attributes) if feature else None
    role = Role.PREDICTION if key.role in (Role.TARGET, Role.ERROR) else key.role
    metric = _COLUMN.get((role, part))
    if metric is None:
        return None
    if part is Part.CATEGORY:
        feature = key.role is Role.FEATURE
        name = names.FEATURE_CATEGORY if feature else names.PREDICTION_CLASS
        attributes[name] = str(label)
    elif part in _PIVOTED and isinstance(label, float):
        attributes[names.FEATURE_PIVOT] = label
    elif origin:
        attributes[names.FEATURE_PIVOT] = origin
    if part is Part.TAIL:
        attributes[names.DISTRIBUTION_PART] = str(Part.TAIL)
    return Address(metric, attributes)


def locate(metric: str, attributes: Attributes) -> Location | None:
    """What a point of `metric` tells of; None for what is not folded.

    Raises:
        ValueError: its pivot is no finite number.

    """
    rest = dict(attributes)
    model_name = rest.pop(names.MODEL_NAME, None)
    if not isinstance(model_name, str):
        return None
    version = rest.pop(names.MODEL_VERSION, None)
    model = Model(model_name, None if version is None else str(version))
    if role := _CALL_ROLES.get(metric):
        operation = str(rest.pop(names.OPERATION, ""))
        part = Part.TOTAL if role in _COUNTED else Part.BODY
        return Location(Key(model, role, operation, _labels(rest)), part, None, 0.0)
    given = rest.pop(names.ROLE, None)
    if given not in _ROLES:
        return None
    role = Role(given)
    name = str(rest.pop(names.FEATURE_NAME if role is Role.FEATURE else names.OUTPUT_NAME, ""))
    label: Label = None
    origin = 0.0
    if metric == names.VIOLATIONS:
        violation = rest.pop(names.VIOLATION_TYPE, None)
        if violation not in _VIOLATIONS:
            return None
        part = Part(violation)
    elif metric == names.FEATURE_OBSERVATIONS:
        part = Part.OBSERVATIONS
    elif metric in _PARTS:
        part = _PARTS[metric]
    else:
        return None
    if rest.pop(names.DISTRIBUTION_PART, None) == Part.TAIL:
        part = Part.TAIL
    pivot = float(rest.pop(names.FEATURE_PIVOT, 0.0))
    if not math.isfinite(pivot):
        raise ValueError(f"{names.FEATURE_PIVOT} is {pivot}")
    if part in _PIVOTED:
        label = pivot
    else:
        origin = pivot
    if part is Part.CATEGORY:
        feature = role is Role.FEATURE
        label = str(rest.pop(names.FEATURE_CATEGORY if feature else names.PREDICTION_CLASS, ""))
    return Location(Key(model, role, name, _labels(rest)), part, label, origin)


_ROLES: Final = frozenset(str(role) for role in Role if role.is_column)


def _labels(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    """Those of ours; what a Collector adds on the way tells no series of ours apart."""
    return tuple(
        sorted((name, str(value)) for name, value in attributes.items() if name in names.ATTRIBUTES)
    )
