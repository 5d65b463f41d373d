"""What commands print: tables, progress on stderr, errors as click's."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from otelml import names
from otelml.data import Finding, Sketch, Verdict, segment_of
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count

_BARS: Final = " ▁▂▃▄▅▆▇█"
_LONG: Final = 24
_ROOM: Final = 1000
_COLOURS: Final = {Verdict.ALARM: "bold red", Verdict.WARN: "yellow", Verdict.OK: "green"}


class BadInput(click.ClickException):
    """Input that cannot be used; its text names the value and the remedy."""

    exit_code = 2


def plain(*, stderr: bool = False) -> Console:
    """A console that takes names from data for what they are, brackets and colons included.

    What is no terminal has room for whole lines, unless `COLUMNS` says otherwise.
    """
    console = Console(stderr=stderr, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _ROOM
    return console


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on stderr, where that is a terminal; told the share that is done."""
    console = plain(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def histogram(sketch: Sketch, width: int = 24) -> str:
    """A sketch as a row of bars.

    >>> from otelml.sketch.categories import Categories
    >>> histogram(Categories.of(["a", "a", "b"]))
    'a █ b ▄'
    """
    if isinstance(sketch, Count):
        return str(sketch.value)
    if isinstance(sketch, Categories):
        heaviest = max([*sketch.counts.values(), 1])
        few = [*sketch.counts.items()][:6]
        return " ".join(f"{_short(name)} {_bar(n / heaviest)}" for name, n in few)
    if not sketch.count:
        return ""
    low, high = sketch.quantile([0.005, 0.995])
    shares = np.diff(sketch.cdf(np.linspace(low, high, width + 1)))
    if not (low < high and shares.max() > 0):
        return _BARS[-1]
    return "".join(map(_bar, shares / shares.max()))


def _short(name: str) -> str:
    shown = " ".join(name[: 2 * _LONG].split())
    return shown if len(shown) <= _LONG else f"{shown[: _LONG - 1]}…"


def _bar(share: float) -> str:
    return _BARS[min(int(np.ceil(share * 8)), 8)]


def findings_table(findings: list[Finding]) -> Table:
    """Findings, as they come."""
    table = Table(box=None, header_style="bold")
    for name in ("verdict", "role", "column", "check"):
        table.add_column(name, no_wrap=True, min_width=8)
    for name in ("value", "effect", "limit", "p"):
        table.add_column(name, justify="right", no_wrap=True, min_width=6)
    for f in findings:
        table.add_row(
            str(f.verdict),
            str(f.role),
            " ".join(filter(None, (f.feature, "=".join(v for _, v in segment_of(f.labels))))),
            f.check,
            _number(f.value),
            _number(f.effect),
            _number(f.limits.alarm),
            _number(f.p_value_adjusted),
            style=_COLOURS.get(f.verdict, "dim"),
        )
    return table


def measures_table(findings: list[Finding]) -> Table:
    """Measures of performance with their 95 % intervals."""
    table = Table(box=None, header_style="bold")
    for name in ("measure", "average", "value", "95 % interval"):
        table.add_column(name, no_wrap=True)
    for f in findings:
        low, high = f.interval or (None, None)
        interval = f"{_number(low)} to {_number(high)}" if f.interval else ""
        table.add_row(f.check, average_of(f), _number(f.value), interval)
    return table


def average_of(finding: Finding) -> str | None:
    """How a measure is averaged over classes, if it is."""
    return dict(finding.labels).get(names.PERFORMANCE_AVERAGE)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
