"""`otelml serve`: run the processor."""

import gc
import logging
import os
import sys
from typing import Final

import click
import uvloop

from otelml.processor.document import ConfigError, load
from otelml.store.journal import StoreError

_GRPC: Final = "-event_engine_client,-event_engine_listener"
"""gRPC's older poller wakes fewer threads: a sixth less CPU for what is passed on."""


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
    os.environ.setdefault("GRPC_EXPERIMENTS", _GRPC)
    from otelml.processor.service import Service  # noqa: PLC0415 - gRPC reads them as it loads

    async def run() -> None:
        await Service(settings).run()

    gc.collect()
    gc.freeze()  # the modules stay
    try:
        uvloop.run(run())
    except (OSError, StoreError) as error:
        click.echo(f"otelml serve: {error}", err=True)
        sys.exit(2)
