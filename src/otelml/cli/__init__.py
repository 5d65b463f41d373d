"""The command `otelml`: one file a command, imported when it is asked for.

Exit status: 0 all quiet, 1 an alarm, 2 bad input or a part that is not installed, 130 interrupted.
"""

import gc
import importlib
import os
import signal
import sys
from types import MappingProxyType
from typing import Any, Final

import click

from otelml.cli._stdout import steady_stdout

_COMMANDS: Final = MappingProxyType(
    {
        "baseline": "Build and show baselines.",
        "check": "Compare data with a baseline.",
        "doctor": "Tell whether telemetry would leave this environment.",
        "hooks": "List the hooks: what is installed, and what would be recorded.",
        "labels": "Push labels to the processor.",
        "serve": "Run the processor beside the Collector.",
        "validate": "Check a configuration of the processor.",
    }
)


class _Lazy(click.Group):
    """A group that imports a command's module only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        try:
            module = importlib.import_module(f"otelml.cli.{cmd_name}")
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("otelml"):
                raise
            raise _Missing(cmd_name, error.name) from error
        command: click.Command = vars(module)[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items()])


class _Missing(click.ClickException):
    """A command whose packages are not installed."""

    exit_code = 2

    def __init__(self, command: str, module: str | None) -> None:
        super().__init__(
            f"`otelml {command}` needs {module}, which is not installed: "
            "pip install 'otelml[processor]'"
        )


@click.group(cls=_Lazy)
@click.version_option(package_name="otelml")
def cli() -> None:
    """OpenTelemetry for classic machine-learning models."""


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the command.

    What it makes has no cycles, and its matrices are small: neither the collector of cycles nor the
    threads of BLAS would do anything but take time.
    """
    gc.set_threshold(50_000)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    steady_stdout()
    try:
        status = cli.main(arguments, prog_name="otelml", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except click.Abort:
        status = 128 + signal.SIGINT
    sys.exit(status)
