"""A million rows of 25 columns, from file to findings: seconds and peak memory of the command."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

OTELML = Path(sys.executable).with_name("otelml")
RNG = np.random.default_rng(0)

# pip compiles what it installs; a checkout is compiled where it first runs, unless this is set.
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

FILES = {
    "one.parquet": "Parquet",
    "many.parquet": "Parquet of 20 row groups",
    "one.arrow": "Arrow in one batch",
    "current.csv": "CSV (400 MB)",
}


def table(rows: int) -> pa.Table:
    columns = {f"n{i:02d}": pa.array(RNG.normal(size=rows)) for i in range(20)}
    for i, size in enumerate((2, 5, 10, 50, 200)):
        names = np.array([f"v{k}" for k in range(size)])
        columns[f"c{i}"] = pa.array(names[RNG.integers(0, size, rows)])
    return pa.table(columns)


def write(folder: Path) -> None:
    pa.parquet.write_table(table(50_000), folder / "reference.parquet")
    current = table(1_000_000)
    pa.parquet.write_table(current, folder / "one.parquet", row_group_size=len(current))
    pa.parquet.write_table(current, folder / "many.parquet", row_group_size=50_000)
    with pa.ipc.new_file(str(folder / "one.arrow"), current.schema) as file:
        file.write_table(current.combine_chunks())
    pa.csv.write_csv(current, folder / "current.csv")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # In a process of its own: a child's peak begins with its parent's size.
        subprocess.run([sys.executable, __file__, str(folder)], check=True)
        baseline = folder / "baseline.json"
        build = [str(OTELML), "baseline", "build", str(folder / "reference.parquet")]
        command = [*build, "--model", "m", "-o", str(baseline)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=COMPILED)
        for name, kind in FILES.items():
            check = [str(OTELML), "check", str(baseline), str(folder / name), "--json"]
            measure = [sys.executable, "-c", MEASURE, *check]
            done = subprocess.run(
                measure, check=True, stdout=subprocess.PIPE, text=True, env=COMPILED
            )
            print(f"1,000,000 rows × 25 columns, {kind} to findings: {done.stdout.strip()}")


MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
took = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
print(f"{took:.2f} s, {cpu:.2f} s of CPU, {peak:.0f} MiB peak")
"""

if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]))
    else:
        main()
