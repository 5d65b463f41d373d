"""`otelml check`: a table, or another baseline, against a baseline."""

import json
import sys
from pathlib import Path

import click

from otelml.cli._show import BadInput, findings_table, plain, progress
from otelml.data import Verdict
from otelml.offline.check import check as run_check
from otelml.offline.table import DataError
from otelml.wire import file


@click.command()
@click.argument("baseline", type=click.Path(path_type=Path))
@click.argument("data", metavar="DATA_OR_BASELINE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON array.")
def check(baseline: Path, data: Path, *, as_json: bool) -> None:
    """Compare DATA_OR_BASELINE with BASELINE; exit status 1 says that something alarms."""
    try:
        held = file.read(baseline)
        with progress(data.name) as advance:
            findings = run_check(held, data, advance=advance)
    except (DataError, file.BaselineError) as error:
        raise BadInput(str(error)) from error
    if as_json:
        click.echo(json.dumps([found.json() for found in findings], allow_nan=False))
    else:
        plain().print(findings_table([f for f in findings if f.verdict is not Verdict.OK]))
        quiet = sum(f.verdict is Verdict.OK for f in findings)
        plain().print(f"{quiet} of {len(findings)} findings are quiet")
    sys.exit(int(any(f.verdict is Verdict.ALARM for f in findings)))
