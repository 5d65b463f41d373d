"""One library's figures on two tables: `python _peer.py NAME FOLDER`, as `peers` runs it.

It imports of ours only what is measured, because it runs on the peers' interpreters too.
"""

import gc
import importlib.metadata
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
CHUNK = 5000
REPEAT, LONG = 5, 10.0

Columns: TypeAlias = dict[str, NDArray[Any]]
"""Numbers are floats; the codes of categories are integers."""


class Steps(NamedTuple):
    """What a library does: the reference once, then each table, with a profile or without.

    `given` makes the arrays what it asks for, before anything is measured.
    """

    given: Callable[[Columns], Any]
    prepare: Callable[[Any], Any]
    profile: Callable[[Any], Any]
    judge: Callable[[Any, Any], set[str]]
    size: Callable[[Any], int] | None = None


def itself(table: Any) -> Any:
    return table


def text(columns: Columns) -> dict[str, list[str]]:
    names = np.array([f"v{i}" for i in range(1000)], object)
    return {name: names[codes].tolist() for name, codes in kind(columns, "i").items()}


def kind(columns: Columns, letter: str) -> Columns:
    """The columns of floats (f) or of codes (i)."""
    return {name: column for name, column in columns.items() if column.dtype.kind == letter}


def frame(columns: Columns) -> Any:
    import pandas as pd  # noqa: PLC0415 - our half needs none

    return pd.DataFrame(columns | text(columns))


def split(table: Any) -> tuple[list[str], list[str]]:
    """Names of a frame's numbers, and of its categories."""
    numbers = [name for name in table if table[name].dtype.kind == "f"]
    return numbers, [name for name in table if name not in numbers]


def ours() -> Steps:
    from otelml.data import Key, Model, Role, Sketch, Verdict, Window  # noqa: PLC0415
    from otelml.monitor.registry import DEFAULT, run  # noqa: PLC0415
    from otelml.sketch.categories import Categories  # noqa: PLC0415
    from otelml.sketch.matrix import Matrix  # noqa: PLC0415
    from otelml.wire.encode import window_metrics  # noqa: PLC0415

    model = Model("m")

    def given(columns: Columns) -> tuple[list[str], NDArray[np.float64], dict[str, list[str]]]:
        numbers = kind(columns, "f")
        return [*numbers], np.stack([*numbers.values()], axis=1), text(columns)

    def window(table: tuple[list[str], NDArray[np.float64], dict[str, list[str]]]) -> Window:
        names, numbers, labels = table
        matrix = Matrix(len(names))
        matrix.update(numbers)
        columns: dict[str, Sketch] = dict(zip(names, matrix.take(), strict=True))
        columns |= {name: Categories.of(values).capped() for name, values in labels.items()}
        sketches = {Key(model, Role.FEATURE, name): sketch for name, sketch in columns.items()}
        return Window(model, 0, 1, sketches, len(numbers))

    def judge(baseline: Window, now: Window) -> set[str]:
        findings = run(DEFAULT, baseline, now)
        return {f.feature or "" for f in findings if f.verdict is Verdict.ALARM}

    def size(now: Window) -> int:
        return len(window_metrics(now).SerializeToString())

    return Steps(given, window, window, judge, size)


def scipy() -> Steps:
    """Two-sample tests and nothing else, at 5 % over all columns."""
    from scipy import stats  # noqa: PLC0415

    def judge(before: Columns, now: Columns) -> set[str]:
        p = {
            name: stats.ks_2samp(column, now[name], method="asymp").pvalue
            for name, column in kind(before, "f").items()
        }
        for name, codes in kind(before, "i").items():
            most = max(int(codes.max()), int(now[name].max())) + 1
            table = np.stack([np.bincount(x, minlength=most) for x in (codes, now[name])])
            p[name] = stats.chi2_contingency(table[:, table.any(axis=0)]).pvalue
        return {name for name, value in p.items() if value < LEVEL / len(p)}

    return Steps(itself, itself, itself, judge)


def evidently() -> Steps:
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    def judge(before: Any, now: Any) -> set[str]:
        numbers, categories = split(before)
        kinds = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
        tables = [Dataset.from_pandas(table, data_definition=kinds) for table in (now, before)]
        found = set()
        for metric in Report([DataDriftPreset()]).run(*tables).dict()["metrics"]:
            column, limit = (metric["config"].get(name) for name in ("column", "threshold"))
            if column:
                low = "p_value" in metric["config"]["method"]
                drifted = metric["value"] < limit if low else metric["value"] >= limit
                found |= {column} if drifted else set()
        return found

    return Steps(frame, itself, itself, judge)


def nannyml() -> Steps:
    """Jensen–Shannon a chunk; a column is found if it alerts in most chunks."""
    from nannyml import UnivariateDriftCalculator  # noqa: PLC0415

    method = "jensen_shannon"

    def prepare(table: Any) -> Any:
        return UnivariateDriftCalculator(
            column_names=[*table],
            continuous_methods=[method],
            categorical_methods=[method],
            chunk_size=CHUNK,
        ).fit(table)

    def judge(fitted: Any, now: Any) -> set[str]:
        chunks = fitted.calculate(now).filter(period="analysis").to_df()
        return {name for name in now if chunks[name, method, "alert"].mean() > 0.5}

    return Steps(frame, prepare, itself, judge)


def alibi() -> Steps:
    from alibi_detect.cd import TabularDrift  # noqa: PLC0415

    names: list[str] = []

    def given(columns: Columns) -> NDArray[np.float64]:
        names[:] = [*kind(columns, "f"), *kind(columns, "i")]
        return np.stack([columns[name] for name in names], axis=1)

    def prepare(table: NDArray[np.float64]) -> Any:
        categories = [i for i in range(table.shape[1]) if names[i].startswith("c")]
        return TabularDrift(table, p_val=LEVEL, categories_per_feature=dict.fromkeys(categories))

    def judge(detector: Any, now: NDArray[np.float64]) -> set[str]:
        data = detector.predict(now)["data"]
        below = (p < data["threshold"] for p in data["p_val"])
        return {name for name, drifted in zip(names, below, strict=True) if drifted}

    return Steps(given, prepare, itself, judge)


def whylogs() -> Steps:
    import whylogs as why  # noqa: PLC0415
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # noqa: PLC0415

    def view(table: Any) -> Any:
        return why.log(table).view()

    def judge(before: Any, now: Any) -> set[str]:
        scores = calculate_drift_scores(now, before, with_thresholds=True)
        return {n for n, score in scores.items() if score and score["drift_category"] == "DRIFT"}

    return Steps(frame, view, view, judge, lambda now: len(now.serialize()))


LIBRARIES = {
    "otelml": ours,
    "scipy": scipy,
    "evidently": evidently,
    "nannyml": nannyml,
    "alibi-detect": alibi,
    "whylogs": whylogs,
}


def measured(name: str, reference: Columns, current: Columns) -> dict[str, Any]:
    """Seconds of this process's CPU; its peak of memory over what it held with its data, in MiB."""
    steps = LIBRARIES[name]()
    before, now = steps.given(reference), steps.given(current)
    gc.collect()
    held = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    prepared, preparing = timed(lambda: steps.prepare(before))
    steps.judge(prepared, steps.profile(now))  # what is made at the first call is not timed
    profiling: list[float] = []
    judging: list[float] = []
    while len(judging) < REPEAT and sum(profiling + judging) < LONG:
        profile, seconds = timed(lambda: steps.profile(now))
        profiling.append(seconds)
        found, seconds = timed(lambda: steps.judge(prepared, profile))  # noqa: B023
        judging.append(seconds)
    return {
        "version": importlib.metadata.version(name),
        "prepare": preparing,
        "profile": median(profiling),
        "judge": median(judging),
        "peak": resident("VmHWM") - held,
        "bytes": steps.size(profile) if steps.size else None,
        "found": sorted(found),
    }


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    gc.collect()
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def resident(what: str) -> float:
    """Memory of this process by the kernel's count, in MiB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {what}")


def read(path: Path) -> Columns:
    with np.load(path) as saved:
        return dict(saved)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    folder = Path(sys.argv[2])
    tables = (read(folder / name) for name in ("reference.npz", "current.npz"))
    print(json.dumps(measured(sys.argv[1], *tables)))
