"""`otelml baseline`: build one from a table, show what is in one."""

import json
from functools import partial
from pathlib import Path

import click
from rich.table import Table

from otelml.cli._show import BadInput, average_of, histogram, measures_table, plain, progress
from otelml.data import Model
from otelml.offline.build import build as run_build
from otelml.offline.check import performance
from otelml.offline.layout import Layout, split
from otelml.offline.table import DataError
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.probability import Probability
from otelml.wire import file
from otelml.wire.content import column, sorted_columns


@click.group()
def baseline() -> None:
    """Build and show baselines."""


def _listed(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Names between commas; blanks around them are none of theirs, but in quotes."""
    lists = (split(v) if '"' in v else map(str.strip, v.split(",")) for v in values)
    return frozenset(name for names in lists for name in names if name.strip())


_columns = partial(click.option, metavar="COL,...", multiple=True, callback=_listed)


@baseline.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, help="Name of the model, as its telemetry has it.")
@click.option("--model-version", help="Version; without it the baseline serves every version.")
@click.option("--prediction", help="Column of the model's predictions.")
@click.option("--score", help="Column of the predicted probability, in [0, 1].")
@click.option("--target", help="Column of the truth.")
@_columns("--categorical", help="Columns of categories that are numbers.")
@_columns("--exclude", help="Columns that are no features.")
@_columns("--segment", help="Columns whose values cut the rows into slices.")
def build(
    data: Path,
    output: Path,
    model: str,
    model_version: str | None,
    prediction: str | None,
    score: str | None,
    target: str | None,
    categorical: frozenset[str],
    exclude: frozenset[str],
    segment: frozenset[str],
) -> None:
    """Build a baseline from the table DATA (CSV, Parquet, Arrow).

    A COL that has a comma in its name stands in double quotes.
    """
    if not model:
        raise BadInput("--model is empty; give the name that its telemetry has")
    cut = tuple(sorted(segment))
    layout = Layout(prediction, score, target, categorical, exclude, segments=cut)
    _require_one_part(layout)
    _require_another_file(data, output)
    try:
        with progress(data.name) as advance:
            built = run_build(data, Model(model, model_version), layout, advance)
        file.write(output, built)
    except (DataError, file.BaselineError) as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"{output}: {error.strerror}; choose another --output") from error
    plain(stderr=True).print(
        f"{output}: {len(built.schema)} columns, {built.rows} rows, id {built.id}"
    )


def _require_one_part(layout: Layout) -> None:
    given = [
        ("--prediction", layout.prediction),
        ("--score", layout.score),
        ("--target", layout.target),
        *(("--exclude", name) for name in sorted(layout.exclude)),
        *(("--categorical", name) for name in layout.categorical if name == layout.score),
    ]
    options: dict[str, str] = {}
    for option, name in given:
        if name in options:
            raise BadInput(
                f"column {name!r} is given to {options[name]} and to {option}; leave one away"
            )
        if name is not None:
            options[name] = option


def _require_another_file(data: Path, output: Path) -> None:
    try:
        same = data.samefile(output)
    except OSError:  # it is not there yet
        return
    if same:
        raise BadInput(f"{output}: it is DATA itself; choose another --output")


@baseline.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(path: Path, *, as_json: bool) -> None:
    """Show what is in the baseline FILE."""
    try:
        held = file.read(path)
        measured = performance(held)
    except file.BaselineError as error:
        raise BadInput(str(error)) from error
    if as_json:
        about = {
            "id": held.id,
            "model": held.model.name,
            "version": held.model.version,
            "rows": held.rows,
            "source": held.source,
            "schema": dict(held.schema),
            "performance": [
                {"measure": one.check, "average": average_of(one), "value": one.value}
                for one in measured
            ],
        }
        click.echo(json.dumps(about))
        return
    version = f" {held.model.version}" if held.model.version else ""
    table = Table(
        title=f"{held.model.name}{version}: {held.rows} rows of {held.source}, id {held.id}",
        title_justify="left",
        box=None,
        header_style="bold",
    )
    for name in ("column", "values", "missing", "mean or categories", "deviation", "distribution"):
        table.add_column(name, justify="right" if name in ("values", "missing") else "left")
    for key, sketch in sorted_columns(held.window):
        if isinstance(sketch, Count):
            continue
        if isinstance(sketch, Categories):
            middle, spread = f"{len(sketch.counts)}{'+' if sketch.other else ''}", ""
        else:
            middle, spread = f"{sketch.mean:.6g}", f"{sketch.variance**0.5:.4g}"
        kind = " (probability)" if isinstance(sketch, Probability) else ""
        table.add_row(
            column(key) + kind,
            str(sketch.count),
            str(sketch.missing),
            middle,
            spread,
            histogram(sketch, 14),
        )
    plain().print(table)
    if measured:
        plain().print(measures_table(measured))
