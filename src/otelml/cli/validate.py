"""`otelml validate`: check a configuration without running it."""

import sys

import click

from otelml.processor.document import ConfigError, load


@click.command("validate")
@click.argument("path", metavar="FILE", type=click.Path())
def validate(path: str) -> None:
    """Check a processor's configuration; every mistake is told at once."""
    try:
        load(path)
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(2)
    click.echo(f"{path}: valid")
