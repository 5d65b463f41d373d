"""A million rows of 25 columns, from file to findings: seconds and peak memory of the command."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

OTELML = Path(sys.executable).with_name("otelml")
RNG = np.random.default_rng(0)


def table(rows: int) -> pa.Table:
    columns = {f"n{i:02d}": pa.array(RNG.normal(size=rows)) for i in range(20)}
    for i, size in enumerate((2, 5, 10, 50, 200)):
        names = np.array([f"v{k}" for k in range(size)])
        columns[f"c{i}"] = pa.array(names[RNG.integers(0, size, rows)])
    return pa.table(columns)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pa.parquet.write_table(table(50_000), folder / "reference.parquet")
        pa.parquet.write_table(table(1_000_000), folder / "current.parquet")
        baseline = folder / "baseline.json"
        build = [OTELML, "baseline", "build", folder / "reference.parquet", "--model", "m"]
        subprocess.run([*build, "-o", baseline], check=True, stderr=subprocess.DEVNULL)
        started = time.perf_counter()
        check = [OTELML, "check", baseline, folder / "current.parquet", "--json"]
        subprocess.run(check, check=False, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"1,000,000 rows × 25 columns, Parquet to findings: {took:.2f} s, {peak:.0f} MiB peak")


if __name__ == "__main__":
    main()
