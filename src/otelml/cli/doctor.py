"""`otelml doctor`: whether telemetry would leave this environment, and if not, why.

Run it as `opentelemetry-instrument otelml doctor`, in the app's own environment, to see what the
app would see.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import click
from opentelemetry import metrics, trace

from otelml.cli.hooks import found

_SECONDS: Final = 3
_SIGNALS: Final = ("traces", "metrics", "logs")
_PORTS: Final = {"grpc": 4317, "http/protobuf": 4318, "http/json": 4318}


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str


def examined() -> Iterator[Finding]:
    """Everything that has to be right, in the order in which data passes it."""
    yield from _packages()
    yield from _sdk()
    for signal in _SIGNALS:
        yield from _exporter(signal)
    yield from _frameworks()


def _packages() -> Iterator[Finding]:
    for name in ("opentelemetry-sdk", "opentelemetry-distro", "opentelemetry-instrumentation"):
        try:
            yield Finding(name, ok=True, detail=version(name))
        except PackageNotFoundError:
            yield Finding(name, ok=False, detail=f"not installed: pip install {name}")


def _sdk() -> Iterator[Finding]:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield Finding("SDK", ok=False, detail="OTEL_SDK_DISABLED is true: nothing is recorded")
        return
    providers = metrics.get_meter_provider(), trace.get_tracer_provider()
    if all(type(p).__module__.startswith("opentelemetry.sdk") for p in providers):
        yield Finding("SDK", ok=True, detail="configured in this process")
    else:
        yield Finding(
            "SDK",
            ok=False,
            detail="not configured in this process: run `opentelemetry-instrument otelml doctor`",
        )


def _exporter(signal: str) -> Iterator[Finding]:
    variable, check = f"OTEL_{signal.upper()}_EXPORTER", f"{signal} exporter"
    given = os.environ.get(variable, "otlp")
    if given.strip().lower() == "none":
        yield Finding(check, ok=signal == "logs", detail=f"{variable} is none")
        return
    for name in given.split(","):
        yield from _named(signal, name.strip())


def _named(signal: str, name: str) -> Iterator[Finding]:
    """What can be said of one exporter of the environment's list."""
    check = f"{signal} exporter"
    protocol = _of(signal, "PROTOCOL") or "grpc"
    if name.startswith("otlp_proto"):
        protocol = "grpc" if name.endswith("grpc") else "http/protobuf"
    wanted = name
    if name == "otlp":
        wanted = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    known = {entry.name for entry in entry_points(group=f"opentelemetry_{signal}_exporter")}
    pulled = {"prometheus"}  # a reader, not an exporter
    if wanted not in known | pulled:
        yield Finding(
            check, ok=False, detail=f"{wanted} is not installed; there are {sorted(known)}"
        )
        return
    yield Finding(check, ok=True, detail=wanted)
    if name == "otlp" or name.startswith("otlp_proto"):
        yield _reached(signal, protocol)


def _reached(signal: str, protocol: str) -> Finding:
    """Whether somebody listens where the signal is sent."""
    port = _PORTS.get(protocol, 4317)
    endpoint = _of(signal, "ENDPOINT") or f"http://localhost:{port}"
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    where = parts.hostname or "localhost", parts.port or port
    check = f"{signal} to {endpoint}"
    try:
        socket.create_connection(where, _SECONDS).close()
    except OSError as error:
        return Finding(check, ok=False, detail=f"{where[0]}:{where[1]} does not answer: {error}")
    return Finding(check, ok=True, detail="somebody listens")


def _of(signal: str, what: str) -> str | None:
    """OpenTelemetry's variable of one signal, or else of all."""
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}") or os.environ.get(
        f"OTEL_EXPORTER_OTLP_{what}"
    )


def _frameworks() -> Iterator[Finding]:
    rows = [row for row in found() if row["installed"] is not None]
    for row in rows:
        detail = f"{row['installed']}: {row['state']}"
        yield Finding(row["distribution"], ok=row["state"] == "ready", detail=detail)
    if not rows:
        yield Finding("frameworks", ok=False, detail=f"none that we know in {sys.prefix}")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array and nothing else.")
def doctor(*, as_json: bool) -> None:
    """Tell whether telemetry would leave this environment; exit status 1 if not."""
    findings = [*examined()]
    if as_json:
        click.echo(json.dumps([f._asdict() for f in findings], indent=2))
    else:
        for finding in findings:
            mark = click.style("✓", fg="green") if finding.ok else click.style("✗", fg="red")
            click.echo(f"{mark} {finding.check}: {finding.detail}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)
