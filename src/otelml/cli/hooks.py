"""`otelml hooks`: what is installed, which versions are supported, what would be wrapped."""

import json
import os
from importlib.metadata import entry_points
from typing import Any

import click


def found() -> list[dict[str, Any]]:
    """Every hook of ours in this environment, and its state."""
    disabled = {
        name.strip()
        for name in os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")
    }
    rows = []
    for entry in sorted(entry_points(group="opentelemetry_instrumentor"), key=lambda e: e.name):
        if not entry.value.startswith("otelml.hooks."):
            continue
        hook = entry.load()
        installed = hook.installed()
        if installed is None:
            state = "not installed"
        elif entry.name in disabled or "*" in disabled:
            state = "disabled by OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
        else:
            state = hook.unsupported() or "ready"
        rows.append(
            {
                "hook": entry.name,
                "distribution": hook.distribution,
                "installed": installed,
                "supported": hook.supported,
                "state": state,
                "modules": [*hook.modules],
                "calls": hook.covers.calls,
            }
        )
    return rows


@click.command("hooks")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array and nothing else.")
def hooks(*, as_json: bool) -> None:
    """List the hooks: what is installed, which versions are supported, what is wrapped, why not."""
    rows = found()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        ready = row["state"] == "ready"
        name = f"{row['distribution']} {row['installed'] or ''}".rstrip()
        mark = click.style("●" if ready else "○", fg="green" if ready else None)
        click.echo(f"{mark} {row['hook']:22} {name:32} {row['supported']:8} {row['state']}")
        if ready:
            click.echo(f"  {row['calls'].replace('`', '')}")
