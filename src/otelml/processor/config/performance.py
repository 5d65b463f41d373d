"""What is measured where labels come, and of whom."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from otelml.monitor.concept import DETECTORS
from otelml.processor.config.limits import Measure, MeasureLimits
from otelml.processor.config.value import Seconds, Section


class Labels(Section):
    """How long predictions and labels wait for each other, and who may post labels.

    `forward_records` passes on the events that predictions and labels come in.
    """

    expire_after: Seconds = 7 * 86_400.0
    max_predictions: Annotated[int, Field(gt=0)] = 1_000_000
    token: Annotated[str, Field(min_length=1)] | None = None
    forward_records: bool = False


class Performance(Section):
    """Windows of prediction time over which performance is measured, and what it needs.

    A window is judged anew as its labels come, at most once `every` so often.
    """

    window: Seconds = 3600.0
    every: Seconds = 60.0
    min_samples: Annotated[int, Field(gt=0)] = 200
    positive_class: str | None = None
    exclude: list[Measure] = Field(default_factory=list)
    limits: MeasureLimits = Field(default_factory=dict)


def _listed(value: object) -> object:
    """One column may stand for itself."""
    return [value] if isinstance(value, str) else value


class Segments(Section):
    """Slices whose performance is measured: a column each, or several for their conjunction."""

    columns: list[Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]] = Field(
        default_factory=list
    )
    max_slices: Annotated[int, Field(gt=0, le=1000)] = 50


class Fairness(Section):
    """Columns whose groups are compared, and how large a group must be.

    `tell_groups` lets the names of the groups that differ most leave.
    """

    columns: list[str] = Field(default_factory=list)
    min_group: Annotated[int, Field(gt=0)] = 50
    tell_groups: bool = False


def _detector(name: str) -> str:
    if name not in DETECTORS:
        raise ValueError(f"unknown detector {name!r}: choose among {', '.join(sorted(DETECTORS))}")
    return name


class ConceptDrift(Section):
    """What watches the stream of errors."""

    detectors: list[Annotated[str, AfterValidator(_detector)]] = Field(
        default_factory=lambda: ["ddm", "page_hinkley", "adwin"]
    )


class Shadow(Section):
    """A challenger, by the name of its model, and the champion that it is compared with."""

    champion: str
    challenger: str
