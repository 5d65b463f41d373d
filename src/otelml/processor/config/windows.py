"""Windows of data, the baselines that they are compared with, checks, and when alerts open."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from otelml.monitor.alerts import parse_open_after
from otelml.monitor.registry import NAMES
from otelml.processor.config.limits import CheckLimits
from otelml.processor.config.value import NotNegative, Seconds, Section


class Windows(Section):
    """How long a window is, how long it waits for late points, and how many rows it needs."""

    length: Seconds = 300.0
    lateness: NotNegative = 60.0
    min_samples: Annotated[int, Field(gt=0)] = 200
    max_series: Annotated[int, Field(gt=0)] = 20_000


class Baselines(Section):
    """Where baselines come from: a directory of files, or the first windows."""

    directory: str | None = None
    first_windows: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.directory is not None and self.first_windows is not None:
            raise ValueError("give directory or first_windows, not both")
        return self


class Alerts(Section):
    """When an alert opens and when it resolves, in windows."""

    open_after: str = "2 of 3"
    resolve_after: Annotated[int, Field(gt=0)] = 2

    @field_validator("open_after", mode="before")
    @classmethod
    def _possible(cls, given: object) -> object:
        parse_open_after(str(given))
        return given

    @property
    def opening(self) -> tuple[int, int]:
        """How many bad windows of how many open an alert."""
        return parse_open_after(self.open_after)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"unknown check {name!r}: choose among {', '.join(sorted(NAMES))}")
    return name


class Checks(Section):
    """Which checks run, and with which limits."""

    exclude: list[Annotated[str, AfterValidator(_known)]] = Field(default_factory=list)
    limits: CheckLimits = Field(default_factory=dict)
