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


class Lines(logging.Formatter):
    """A line for each message: names from outside, and errors of backends, forge none."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without anything that a terminal obeys."""
        line = super().formatMessage(record)
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


@click.command("serve")
@click.option("--config", "path", required=True, type=click.Path(), help="Configuration (YAML).")
def serve(path: str) -> None:
    """Receive OTLP, pass it on, and watch the models in it."""
    try:
        settings = load(path)
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(2)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
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
