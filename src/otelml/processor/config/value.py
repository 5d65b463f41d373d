"""Kinds of values, and what every section has in common."""

import re
from typing import Annotated, Any, Final

import httpx
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_STEP: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(text: object) -> float:
    """A duration in seconds.

    >>> seconds("1m30s"), seconds("200ms"), seconds("30")
    (90.0, 0.2, 30.0)
    """
    if isinstance(text, bool):
        raise ValueError(_DURATION.format(text))  # noqa: TRY004 - pydantic collects ValueError
    if isinstance(text, int | float) or (isinstance(text, str) and _NUMBER.fullmatch(text)):
        return _bounded(float(text), text)
    steps = _STEP.findall(text) if isinstance(text, str) else []
    if not steps or "".join(number + unit for number, unit in steps) != text:
        raise ValueError(_DURATION.format(text))
    return _bounded(sum(float(number) * _UNITS[unit] for number, unit in steps), text)


_DURATION: Final = "{!r} is no duration: write 30s, 5m or 1h30m"
_LONGEST: Final = 100_000 * 86400.0


def _bounded(duration: float, text: object) -> float:
    if not (duration == 0 or 0.001 <= abs(duration) <= _LONGEST):
        raise ValueError(f"{text!r} is too short or too long: give from 1ms to 100000d")
    return duration


def _address(text: str) -> str:
    host, _, port = text.removeprefix("http://").removeprefix("https://").rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address: write host:port")
    return text


def _own(text: str) -> str:
    """An address to listen on: what a URL begins with would be taken for a part of the host."""
    if "//" in text:
        raise ValueError(f"{text!r} is no address to listen on: write host:port")
    return _address(text)


def _url(text: str) -> str:
    try:
        url = httpx.URL(text)
        reachable = bool(url.host) and (url.port or 0) <= 65535
    except (httpx.InvalidURL, ValueError):
        reachable = False
    if not reachable or not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        raise ValueError(f"{text!r} is no URL: write http://host:port")
    return text


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(seconds), Field(ge=0)]
Address = Annotated[str, AfterValidator(_address)]
OwnAddress = Annotated[str, AfterValidator(_own)]
Url = Annotated[str, AfterValidator(_url)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def given(value: Any) -> Any:
    """`http:` with nothing after it asks for the defaults, as in a Collector."""
    return {} if value is None else value
