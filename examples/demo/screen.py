"""The demo in the terminal: what is forwarded, features against the baseline, alarms."""

import numpy as np
from far_end import FarEnd
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from otelml.data import Baseline, Role
from otelml.sketch.numeric import Numeric

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 24


def screen(end: FarEnd, baseline: Baseline, phase: str, sent: int) -> Panel:
    """One picture of the state."""
    table = Table(box=None, header_style="bold", padding=(0, 2))
    for name in ("feature", "baseline", "last seconds", ""):
        table.add_column(name, no_wrap=True)
    alarmed = end.open()
    for key, sketch in baseline.window.sketches.items():
        if key.role is not Role.FEATURE or not isinstance(sketch, Numeric):
            continue
        edges = np.linspace(*sketch.quantile([0.001, 0.999]), _WIDTH + 1)
        recent = end.recent(key.name)
        x, below = recent.cumulative()
        now = np.diff(np.interp(edges, x, below, left=0)) if recent.count else np.zeros(_WIDTH)
        state = Text("drift", "bold red") if key.name in alarmed else Text("quiet", "green")
        table.add_row(key.name, _bars(np.diff(sketch.cdf(edges))), _bars(now), state)
    requests = ", ".join(f"{n} of {signal}" for signal, n in end.requests.items())
    head = Text(f"{phase}   predicted {sent} rows, {end.predicted} at the far end   {requests}")
    with end.lock:
        log = [Text(f"▲ {a['check']} of {a['feature']}", "red") for a in end.opened[-4:]]
        log += [Text(f"▼ {a['check']} of {a['feature']}", "green") for a in end.resolved[-4:]]
    return Panel(Group(head, Text(), table, Text(), *log), title="otelml demo: wine cultivars")


def _bars(shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    top = float(shares.max())
    if top <= 0:
        return ""
    return "".join(_BARS[min(int(np.ceil(share / top * 8)), 8)] for share in shares)
