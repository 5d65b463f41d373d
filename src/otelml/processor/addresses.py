"""Addresses that cannot be had twice, or by which the processor would send to itself."""

from collections.abc import Iterator
from typing import Final

from otelml.processor.config import Config, Pipelines

_ANY: Final = "0.0.0.0"  # noqa: S104 - what a user may listen on is not for us to judge
_SAME: Final = {"localhost": "127.0.0.1", "::": _ANY}
_HERE: Final = frozenset({_ANY, "127.0.0.1", "::1"})
_PORTS: Final = {"http:": "80", "https:": "443"}


def clashes(config: Config) -> list[str]:
    """What of the addresses in a configuration does not go together."""
    mistakes, taken = [], list(_listening(config))
    for number, (where, endpoint) in enumerate(taken):
        mistakes += [
            f"{where}: {endpoint!r} is taken by {other}: give each a port of its own"
            for other, before in taken[:number]
            if _meet(endpoint, before)
        ]
    for name in sorted(_used(config.service.pipelines, "exporters")):
        endpoint = config.exporters[name].endpoint
        mistakes += [
            f"exporters.{name}.endpoint: {endpoint!r} is {where}: it would send to itself; "
            "give the backend's, or that of another receiver of the Collector"
            for where, own in taken
            if _meet(endpoint, own)
        ]
    return mistakes


def _listening(config: Config) -> Iterator[tuple[str, str]]:
    """Where it listens, and on what."""
    for name in sorted(_used(config.service.pipelines, "receivers")):
        protocols = config.receivers[name].protocols
        for kind, receiver in (("grpc", protocols.grpc), ("http", protocols.http)):
            if receiver is not None:
                yield f"receivers.{name}.protocols.{kind}.endpoint", receiver.endpoint
    if (health := config.extensions.health) is not None:
        yield "extensions.health.endpoint", health.endpoint


def _used(pipelines: Pipelines, kind: str) -> set[str]:
    ways = (pipelines.metrics, pipelines.logs, pipelines.traces)
    return {name for way in ways if way is not None for name in getattr(way, kind)}


def _meet(one: str, other: str) -> bool:
    (host, port), (host_of_other, port_of_other) = _place(one), _place(other)
    hosts = {host, host_of_other}
    return 0 != port == port_of_other and (len(hosts) == 1 or (_ANY in hosts and hosts <= _HERE))


def _place(endpoint: str) -> tuple[str, int]:
    """Host and port of an address or URL; 0 stands for any port that is free."""
    scheme, _, rest = endpoint.rpartition("//")
    authority = rest.partition("/")[0].lower()
    host, _, port = authority.rpartition(":")
    if not port.isdecimal():
        host, port = authority, _PORTS.get(scheme, "0")
    host = host.strip("[]")
    return _SAME.get(host, host), int(port)
