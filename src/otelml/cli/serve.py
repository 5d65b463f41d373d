"""`otelml serve`: run the processor."""

import gc
import logging
import sys

import click
import uvloop

from otelml.processor.config import Config
from otelml.processor.document import ConfigError, load
from otelml.processor.service import Service
from otelml.store.journal import StoreError


@click.command("serve")
@click.option("--config", "path", required=True, type=click.Path(), help="Configuration (YAML).")
def serve(path: str) -> None:
    """Receive OTLP, pass it on, and watch the models in it."""
    try:
        settings = load(path)
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(2)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    for library in ("httpx", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    gc.collect()
    gc.freeze()  # the modules stay, and
    gc.set_threshold(50_000)  # points come and go without cycles
    try:
        uvloop.run(_serve(settings))
    except (OSError, StoreError) as error:
        click.echo(f"otelml serve: {error}", err=True)
        sys.exit(2)


async def _serve(settings: Config) -> None:
    await Service(settings).run()
