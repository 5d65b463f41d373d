"""All default checks on a window of 25 and of 1,000 features, beside scipy on the rows.

In CPU time, to which other work on the machine adds less than to time on the wall.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from otelml.data import Key, Model, Role, Window
from otelml.monitor.registry import DEFAULT, run
from otelml.sketch.numeric import Numeric

RNG = np.random.default_rng(0)
MODEL = Model("m")


def millis(work: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1e3)
    return statistics.median(times)


def main() -> None:
    gc.freeze()
    gc.set_threshold(50_000)  # as `otelml serve` does
    reference, current = RNG.normal(size=(2, 20_000, 25))
    before, now = ([Numeric.of(column) for column in rows.T] for rows in (reference, current))

    def window(sketches: list[Numeric], features: int) -> Window:
        columns = {
            Key(MODEL, Role.FEATURE, f"x{i}"): Numeric(*_fields(sketches[i % 25]))
            for i in range(features)
        }
        return Window(MODEL, 0, 1, columns, 20_000)

    for features, repeat in ((25, 25), (1000, 7)):
        baseline = window(before, features)
        run(DEFAULT, baseline, window(now, features))  # the baseline's side is kept
        windows = iter([window(now, features) for _ in range(repeat)])
        took = millis(lambda: run(DEFAULT, baseline, next(windows)), repeat)  # noqa: B023
        print(f"all checks, {features} features: {took:.1f} ms")
    took = millis(lambda: [stats.ks_2samp(reference[:, i], current[:, i]) for i in range(25)], 5)
    print(f"scipy ks_2samp alone on 25 × 20,000 rows: {took:.1f} ms")


def _fields(s: Numeric) -> tuple[Any, ...]:
    """The same sketch without what it worked out already."""
    return replace(s.body), replace(s.tail), s.moments, s.missing, s.non_finite, s.mismatched


if __name__ == "__main__":
    main()
