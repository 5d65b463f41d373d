"""One table against another, ours beside the peers of this field, in one run.

    python benchmarks/peers.py [--rows=10000,100000] [PEER=PYTHON ...]

20 numeric and 5 categorical columns, three of them shifted; 50,000 rows of reference. The peers'
pins clash: each runs on an interpreter that is named on the command line, whose environment holds
it; ours and scipy run on this one. A case is a process of its own, of one thread, and its seconds
are those of its CPU, so that other work of the machine's costs it little. A peer that is not given
is named, and has no figures. Linux, for the peak of memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CASE = Path(__file__).with_name("_peer.py")
REFERENCE = 50_000
SIZES = 2, 5, 10, 50, 200
PLANTED = {"n00", "n10", "c2"}
QUIET = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
}
"""One thread, and no telemetry of the peers' own."""


class Peer(NamedTuple):
    """How it is called in the table, and what its environment is made of."""

    label: str
    needs: str = ""


PEERS = {
    "otelml": Peer("ours, all checks"),
    "scipy": Peer("scipy `ks_2samp`, `chi2_contingency`"),
    "evidently": Peer("Evidently, DataDriftPreset", "'evidently>=0.7,<0.8' 'pandas<3'"),
    "nannyml": Peer(
        "NannyML, univariate Jensen–Shannon", "'nannyml>=0.13,<0.14' statsmodels 'pandas<3'"
    ),
    "alibi-detect": Peer("Alibi Detect, TabularDrift", "'alibi-detect>=0.13,<0.14'"),
    "whylogs": Peer(
        "whylogs, log and drift scores",
        "'whylogs>=1.6,<1.7' 'pandas<3' 'numpy<2' scipy scikit-learn ipython pybars3 'Pillow<11'",
    ),
}
HEAD = """
| {:,} rows | reference once, s | rows to findings, s | judging alone, s | peak, MiB over the data \
| profile | planted columns found |
|---|---|---|---|---|---|---|"""


def drawn(rng: np.random.Generator, rows: int, *, shifted: bool) -> dict[str, Any]:
    """Columns by name; those of categories are codes."""
    laws: list[tuple[int, Callable[[], Any]]] = [
        (10, lambda: rng.standard_normal(rows)),
        (4, lambda: rng.lognormal(0, 0.5, rows)),
        (3, lambda: rng.uniform(-1, 1, rows)),
        (2, lambda: rng.gamma(2, 2, rows)),
        (1, lambda: rng.poisson(4, rows).astype(float)),
    ]
    made = [law() for columns, law in laws for _ in range(columns)]
    columns = {f"n{i:02d}": column for i, column in enumerate(made)}
    for i, size in enumerate(SIZES):
        weights = 1 / np.arange(1, size + 1)
        if shifted and f"c{i}" in PLANTED:
            weights[:4] = weights[3::-1].copy()
        columns[f"c{i}"] = rng.choice(size, rows, p=weights / weights.sum())
    if shifted:
        columns["n00"] += 0.5
        columns["n10"] *= 1.3
    return columns


def lines(folder: Path, sizes: list[int], pythons: dict[str, str]) -> Iterator[str]:
    """A table a size; what fails has a line without figures."""
    rng = np.random.default_rng(0)
    np.savez(folder / "reference.npz", **drawn(rng, REFERENCE, shifted=False))
    for rows in sizes:
        np.savez(folder / "current.npz", **drawn(rng, rows, shifted=True))
        yield HEAD.format(rows)
        for name, python in pythons.items():
            done = subprocess.run(
                [python, CASE, name, folder],
                env=os.environ | QUIET,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                yield line(PEERS[name].label, json.loads(done.stdout.splitlines()[-1]))
            else:
                told = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
                yield f"| {PEERS[name].label} | FAILED: {told[-1]} |"


def line(label: str, figures: dict[str, Any]) -> str:
    size = figures["bytes"]
    cells = (
        f"{label} {figures['version']}",
        f"{figures['prepare']:.3f}",
        f"{figures['profile'] + figures['judge']:.3f}",
        f"{figures['judge']:.3f}",
        f"{figures['peak']:.0f}",
        f"{size / 1000:,.0f} kB" if size else "needs the rows",
        told(set(figures["found"])),
    )
    return f"| {' | '.join(cells)} |"


def told(found: set[str]) -> str:
    """How many of the planted columns were found, which were not, and which others were."""
    missed, others = sorted(PLANTED - found), sorted(found - PLANTED)
    parts = [f"{len(PLANTED) - len(missed)} of {len(PLANTED)}"]
    parts += [f"not {', '.join(missed)}"] if missed else []
    parts += [f"and wrongly {', '.join(others)}"] if others else []
    return ", ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Ours beside the peers of this field.")
    parser.add_argument("--rows", default="10000,100000", help="of the current table, by commas")
    parser.add_argument("peers", nargs="*", metavar="PEER=PYTHON")
    asked = parser.parse_args()
    given = dict(peer.split("=", 1) for peer in asked.peers if "=" in peer)
    if len(given) < len(asked.peers) or given.keys() - PEERS.keys():
        parser.error(f"name each as PEER=PYTHON, of {', '.join(PEERS)}")
    pythons = dict.fromkeys(("otelml", "scipy"), sys.executable) | given
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for text in lines(Path(scratch), [int(n) for n in asked.rows.split(",")], pythons):
            print(text, flush=True)
            failed |= "FAILED" in text
    missing = [name for name in PEERS if name not in pythons]
    for name in missing:
        print(f"\nNOT MEASURED: {name}. Give {name}=PYTHON, with: pip install {PEERS[name].needs}")
    if failed:
        sys.exit("a library failed")


if __name__ == "__main__":
    main()
