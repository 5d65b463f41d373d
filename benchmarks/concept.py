"""Detectors of concept drift beside river's, at the defaults of either.

    python benchmarks/concept.py [--seeds N]

What a value costs, in batches of 1,000; false alarms in a hundred thousand values without drift;
and after how many values a change is found that comes after 5,000 (one that alarms all the time
finds it soon). River's KSWIN, at a third of a
millisecond a value, sees shorter streams.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from river import drift

from otelml.monitor.concept import DETECTORS
from otelml.sketch.array import Floats

RIVER: Any = drift
PEERS: dict[str, Callable[[], Any]] = {
    "ddm": RIVER.binary.DDM,
    "eddm": RIVER.binary.EDDM,
    "page_hinkley": RIVER.PageHinkley,
    "adwin": RIVER.ADWIN,
    "kswin": RIVER.KSWIN,
}
VALUES, BEFORE, AFTER = 100_000, 5000, 20_000


def wrong(rng: np.random.Generator, rate: float, length: int) -> Floats:
    return (rng.random(length) < rate).astype(np.float64)


def absolute(rng: np.random.Generator, scale: float, length: int) -> Floats:
    return np.abs(rng.normal(0, scale, length))


Draw = Callable[[np.random.Generator, float, int], Floats]
STEADY: list[tuple[str, Draw, float]] = [
    ("rate 0.05", wrong, 0.05),
    ("rate 0.2", wrong, 0.2),
    ("rate 0.4", wrong, 0.4),
    ("|N|, 0.01", absolute, 0.01),
    ("|N|, 1", absolute, 1),
    ("|N|, 1000", absolute, 1000),
]
CHANGES: list[tuple[str, Draw, float, float]] = [
    ("rate 0.1 → 0.3", wrong, 0.1, 0.3),
    ("|N|, 1 → 2", absolute, 1, 2),
    ("|N|, 0.01 → 0.02", absolute, 0.01, 0.02),
]


def ours(name: str, values: Floats) -> list[int]:
    detector = DETECTORS[name]()
    return [
        start + at
        for start in range(0, len(values), 1000)
        for at in detector.update(values[start : start + 1000]).drifts
    ]


def rivers(name: str, values: Floats) -> list[int]:
    detector = PEERS[name]()
    alarms = []
    for at, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(at)
    return alarms


def micros(run: Callable[[str, Floats], list[int]], name: str, values: Floats) -> float:
    started = time.perf_counter()
    run(name, values)
    return (time.perf_counter() - started) * 1e6 / len(values)


def found(alarms: Iterable[int]) -> float:
    return next((at - BEFORE for at in alarms if at >= BEFORE), np.inf)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2)
    seeds = range(parser.parse_args().seeds)
    sides = (ours, rivers)
    for name, kind in DETECTORS.items():
        slow = name == "kswin"
        values = wrong(np.random.default_rng(0), 0.2, 50_000)
        costs = [
            [
                micros(run, name, values[:2000] if slow and run is rivers else values)
                for run in sides
            ]
            for _ in range(5)
        ]
        best = [min(side) for side in zip(*costs, strict=True)]
        print(f"{name}: {best[0]:.2f} µs a value, river {best[1]:.2f}")
        for told, draw, level in STEADY:
            if draw is wrong or not kind.binary:
                counts = []
                for run in sides:
                    length = VALUES // 20 if slow and run is rivers else VALUES
                    streams = (draw(np.random.default_rng(seed), level, length) for seed in seeds)
                    alarms = sum(len(run(name, stream)) for stream in streams)
                    counts.append(alarms * VALUES / length / len(seeds))
                print(f"  {told}: {counts[0]:g} false alarms, river {counts[1]:g}")
        for told, draw, level, later in CHANGES:
            if draw is wrong or not kind.binary:
                delays = []
                for run in sides:
                    each = []
                    for seed in seeds:
                        rng = np.random.default_rng(seed)
                        after = 500 if slow and run is rivers else AFTER
                        both = draw(rng, level, BEFORE), draw(rng, later, after)
                        each.append(found(run(name, np.concatenate(both))))
                    delays.append(statistics.median(each))
                print(f"  {told}: found after {delays[0]:g} values, river {delays[1]:g}")


if __name__ == "__main__":
    main()
