"""`otelml labels`: give the processor what turned out to be right."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import click

from otelml.cli._kept import Kept
from otelml.cli._push import Pusher, PushError, Tally
from otelml.cli._show import BadInput, progress
from otelml.offline.labels import Label
from otelml.offline.labels import labels as read
from otelml.offline.table import DataError


@click.group()
def labels() -> None:
    """Push labels to the processor."""


@labels.command()
@click.argument("data", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--endpoint", default="http://127.0.0.1:4318", show_default=True, metavar="URL")
@click.option("--id", "id_", default="id", show_default=True, help="Column of inference ids.")
@click.option("--label", default="label", show_default=True, help="Column of what is right.")
@click.option("--time", help="Column of times: ISO 8601, or unix seconds.")
@click.option("--weight", help="Column of weights.")
@click.option("--prediction", help="Column of what was predicted.")
@click.option("--score", help="Column of the predicted probability, in [0, 1].")
@click.option("--row", help="Column of the row in its inference's batch, from 0 on.")
@click.option("--model", metavar="NAME", help="Model that the labels are of; else they are of all.")
@click.option("--batch", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--resume-from", metavar="ROW", type=click.IntRange(min=0), help="Rows to pass over.")
@click.option("--token-env", metavar="NAME", help="Variable that holds the bearer token.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def push(
    data: Path,
    endpoint: str,
    id_: str,
    model: str | None,
    batch: int,
    resume_from: int | None,
    token_env: str | None,
    *,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Push the labels in the table FILE (CSV, Parquet, Arrow).

    A push that was cut short goes on where it was when it is run again. Exit status 1 says that
    some rows were refused.
    """
    given = {"id": id_} | {field: column for field, column in columns.items() if column}
    tally, problem = Tally(), None
    kept = Kept(data, endpoint, resume_from)
    with closing(Pusher(endpoint, _token(token_env))) as pusher:
        try:
            with progress(data.name) as advance:
                rows = kept.rest(read(data, given, kept.start, advance, model))
                for chunk in _chunks(rows, batch):
                    for part, answer in pusher.push(chunk):
                        tally.add(part, answer)
                        kept.add(part)
            kept.done()
        except (DataError, PushError) as error:
            problem = f"{error}\n{kept.rows} rows are pushed: go on with {kept.again}"
    if as_json:
        click.echo(json.dumps(tally.json() | {"pushed": kept.rows, "error": problem}))
    elif tally.rows:
        _tell(data, tally)
    if problem is not None:
        raise BadInput(problem)
    sys.exit(int(tally.refused > 0))


def _token(name: str | None) -> str | None:
    if name is None:
        return None
    token = os.environ.get(name, "").strip()
    if not (token and token.isascii() and token.isprintable()):
        raise BadInput(f"the variable {name} of --token-env holds no token")
    return token


def _chunks(rows: Iterable[Label], size: int) -> Iterator[list[Label]]:
    """Rows by `size`; those before a malformed one come before its error."""
    chunk: list[Label] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except DataError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _tell(data: Path, tally: Tally) -> None:
    click.echo(
        f"{data}: {tally.rows} rows: {tally.accepted} accepted ({tally.matched} matched, "
        f"{tally.waiting} waiting, {tally.duplicate} duplicate, {tally.corrected} corrected), "
        f"{tally.refused} refused"
    )
    for reason, count in tally.reasons.most_common():
        click.echo(f"  {count} refused, the first at {tally.first[reason]}: {reason}")
