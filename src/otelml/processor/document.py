"""Configuration files: YAML with `${env:NAME}`, all of whose mistakes are told at once."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from otelml.processor.addresses import clashes
from otelml.processor.config import Config, GrpcExporter, HttpExporter, Pipelines
from otelml.processor.repeated import repeated

_VARIABLE: Final = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\}")
_BARE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TYPES: Final = {
    "receivers": ("otlp",),
    "processors": ("otelml",),
    "exporters": ("otlp_grpc", "otlp_http"),
}
_EXPORTERS: Final[dict[str, type[GrpcExporter | HttpExporter]]] = {
    "otlp_grpc": GrpcExporter,
    "otlp_http": HttpExporter,
}
_TELLING: Final = ("bool_", "int_", "float_", "greater_", "less_")
"""Mistakes about numbers and truth values, which no secret is: the value is told."""


class ConfigError(ValueError):
    """A configuration with mistakes, each with its path."""

    def __init__(self, name: str, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(f"{name}: {mistake}" for mistake in mistakes))


def load(path: str | os.PathLike[str], environment: Mapping[str, str] | None = None) -> Config:
    """The configuration in a file.

    Raises:
        ConfigError: with every mistake in it.

    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not a text file"
        raise ConfigError(str(path), [reason]) from error
    return parse(text, str(path), os.environ if environment is None else environment)


def parse(text: str, name: str, environment: Mapping[str, str]) -> Config:
    """The configuration in a text; `name` is what errors call it."""
    try:
        raw = yaml.safe_load(text)
        mistakes = repeated(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # such as a 99th of a month
        raise ConfigError(name, [_unread(error)]) from error
    if not isinstance(raw, dict):
        raise ConfigError(name, ["is empty: it needs receivers, exporters and service"])
    try:
        whole = _expanded(raw, "", environment, mistakes)
    except RecursionError as error:
        raise ConfigError(name, ["is nested too deeply, or contains itself"]) from error
    mistakes += _unknown_names(whole)
    try:
        config = Config.model_validate(whole | {"exporters": _exporters(whole, mistakes)})
    except ValidationError as error:
        mistakes += _told(error, Config)
        raise ConfigError(name, mistakes) from error
    mistakes = mistakes or clashes(config)
    if mistakes:
        raise ConfigError(name, mistakes)
    return config


def _expanded(value: Any, where: str, environment: Mapping[str, str], mistakes: list[str]) -> Any:
    """The same with variables in texts replaced.

    What a variable holds stays text, which the schema reads as what it asks for: a secret of digits
    alone, or one that YAML would take for null, is no less a secret.
    """
    if isinstance(value, dict):
        return {
            key: _expanded(inner, f"{where}.{key}".lstrip("."), environment, mistakes)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            _expanded(inner, f"{where}.{position}", environment, mistakes)
            for position, inner in enumerate(value)
        ]
    if not isinstance(value, str) or "${" not in value:
        return value
    if "${" in (rest := _VARIABLE.sub(" ", value)):
        remedy = ", ".join(f"${{env:{name}}}" for name in _BARE.findall(rest) or ["NAME"])
        mistakes.append(f"{where}: has a ${{…}} that stands for nothing: write {remedy}")

    def replaced(match: re.Match[str]) -> str:
        variable, default = match.groups()
        found = environment.get(variable)
        if not found and default is not None:
            found = default
        if found is None:
            mistakes.append(
                f"{where}: environment variable {variable} is not set: set it, or write "
                f"${{env:{variable}:-default}}"
            )
            return ""
        return found

    return _VARIABLE.sub(replaced, value)


def _told(error: ValidationError, section: type[BaseModel], *above: str) -> list[str]:
    """Each mistake in a section with its path, below `above`."""
    mistakes = []
    for detail in error.errors():
        where = ".".join(map(str, (*above, *detail["loc"])))
        got = f", not {detail['input']!r}" if detail["type"].startswith(_TELLING) else ""
        told = f"{detail['msg'].removeprefix('Value error, ')}{got}"
        if detail["type"] == "extra_forbidden":
            told = f"unknown: choose among {', '.join(_keys(section, detail['loc'][:-1]))}"
        mistakes.append(f"{where}: {told}")
    return mistakes


def _keys(kind: Any, path: Sequence[str | int]) -> Iterable[str]:
    """The keys of the section at a path within a kind of value."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not path:
            return sorted(kind.model_fields)
        return _keys(kind.model_fields[str(path[0])].annotation, path[1:])
    if get_origin(kind) in (dict, list):
        return _keys(get_args(kind)[-1], path[1:])
    return next(filter(None, (_keys(part, path) for part in get_args(kind))), ())


def _unread(error: Exception) -> str:
    """What is wrong with YAML and where, without its text: that may be a password."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _unknown_names(whole: dict[str, Any]) -> list[str]:
    """Components of no known type, and pipelines that name what is not there."""
    mistakes = []
    for kind, types in _TYPES.items():
        section = whole.get(kind)
        mistakes += [
            f"{kind}.{name}: unknown: choose among {', '.join(types)}"
            for name in (section if isinstance(section, dict) else ())
            if str(name).partition("/")[0] not in types
        ]
        if kind == "processors" and isinstance(section, dict) and len(section) > 1:
            told = ", ".join(map(str, section))
            mistakes.append(f"processors: {told}: every pipeline has the same one: leave one")
    service = whole.get("service")
    pipelines = service.get("pipelines") if isinstance(service, dict) else None
    for signal, pipeline in pipelines.items() if isinstance(pipelines, dict) else ():
        if signal not in Pipelines.model_fields or not isinstance(pipeline, dict):
            continue
        for kind in _TYPES:
            defined = whole.get(kind) if isinstance(whole.get(kind), dict) else {}
            used = pipeline.get(kind)
            mistakes += [
                f"service.pipelines.{signal}.{kind}: {name!r} is not defined under {kind}"
                for name in (used if isinstance(used, list) else ())
                if str(name) not in map(str, defined or {})
            ]
    return mistakes


def _exporters(whole: dict[str, Any], mistakes: list[str]) -> Any:
    """The exporters, each checked as what its name says that it is."""
    section = whole.get("exporters")
    if not isinstance(section, dict):
        return section
    checked = {}
    for name, given in section.items():
        model = _EXPORTERS.get(str(name).partition("/")[0])
        if model is None:
            continue
        try:
            checked[name] = model.model_validate(given or {})
        except ValidationError as error:
            mistakes += _told(error, model, "exporters", name)
    return checked
