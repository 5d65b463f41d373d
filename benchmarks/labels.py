"""What labels show, and when, on streams and on data whose change is known, beside the peers.

    python benchmarks/labels.py [--seeds N]

A model is trained on the first part of a stream of river's; then come its errors, and in the middle
the concept changes. Then NannyML's car loans, whose second half of the analysis is changed, in
windows of 5,000 by the order of prediction; these in the environment of `make frameworks
GROUPS=nannyml`, as far as it is there.
"""

import argparse
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.data import Finding, Key, Model, Outcomes, Role, Verdict, Window
from otelml.monitor.concept import DETECTORS
from otelml.monitor.performance.calibration import calibrations
from otelml.monitor.performance.check import Span
from otelml.monitor.performance.estimate import estimate
from otelml.monitor.performance.registry import DEFAULT, SOURCE, judge
from otelml.monitor.performance.summary import Summary
from otelml.monitor.registry import DEFAULT as CHECKS
from otelml.monitor.registry import run
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

SUDDEN, SLOW = 100, 2000
"""Rows over which a change goes; river's stream overflows with fewer than a hundred."""

MODEL = Model("m")
SPAN = Span(MODEL, 0, 1)
WATCHED = ("ddm", "eddm", "page_hinkley", "adwin")  # KSWIN: see benchmarks/concept.py

TRAINED, HALF, WINDOW = 3000, 10_000, 1000
HALVES = slice(0, HALF), slice(HALF, None)
Errors = npt.NDArray[np.float64]


def outcomes(predicted: Any, truth: Any, score: Any) -> Outcomes:
    said, right = (
        np.asarray(column).astype(int).astype(str).astype(object) for column in (predicted, truth)
    )
    scores = np.asarray(score, np.float64)[:, None]
    return Outcomes(said, right, np.ones(len(scores)), ("1",), scores)


def alarmed(findings: list[Finding]) -> list[str]:
    return [f.check for f in findings if f.verdict is Verdict.ALARM]


def part(whole: Outcomes, start: int, end: int) -> Outcomes:
    assert whole.scores is not None
    rows = slice(start, end)
    truth, predicted, weight = whole.truth[rows], whole.predicted[rows], whole.weight[rows]
    return Outcomes(predicted, truth, weight, whole.classes, whole.scores[rows])


def streams(seed: int) -> Iterator[tuple[str, int, Any]]:
    """Streams of river's: names, rows over which the concept changes (0: it does not), rows."""
    from river.datasets import synth  # noqa: PLC0415 - not in every environment

    def sea(variant: int, start: int) -> Any:
        return synth.SEA(variant, noise=0.1, seed=seed + start)

    def stagger(function: int, start: int) -> Any:
        return synth.STAGGER(function, seed=seed + start)

    def agrawal(function: int, start: int) -> Any:
        return synth.Agrawal(function, seed=seed + start, perturbation=0.1)

    def changing(make: Callable[[int, int], Any], one: int, other: int, width: int) -> Any:
        return synth.ConceptDriftStream(
            make(one, 0), make(other, 99), position=TRAINED + HALF, width=width, seed=seed
        )

    yield "SEA 8, no change", 0, sea(0, 0)
    yield "SEA 8 → 9.5", SUDDEN, changing(sea, 0, 3, SUDDEN)
    yield "SEA 7 → 9.5", SUDDEN, changing(sea, 2, 3, SUDDEN)
    yield "STAGGER 1 → 2", SUDDEN, changing(stagger, 0, 1, SUDDEN)
    yield "Agrawal 2, no change", 0, agrawal(1, 0)
    yield "Agrawal 2 → 4", SUDDEN, changing(agrawal, 1, 3, SUDDEN)
    yield "Agrawal 2 → 4, slowly", SLOW, changing(agrawal, 1, 3, SLOW)
    yield "Agrawal 1 → 3", SUDDEN, changing(agrawal, 0, 2, SUDDEN)


def predicted(stream: Any) -> tuple[Outcomes, Outcomes]:
    """Half of the first part, unseen in training, and all that comes after it."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415

    rows, truths = zip(*islice(stream, TRAINED + 2 * HALF), strict=True)
    names = sorted(rows[0])
    texts = {n: sorted({row[n] for row in rows}) for n in names if isinstance(rows[0][n], str)}
    values = np.array(
        [[texts[n].index(row[n]) if n in texts else row[n] for n in names] for row in rows],
        np.float64,
    )
    truth = np.array(truths, int)
    known = TRAINED * 2 // 3
    model = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    model.fit(values[:known], truth[:known])
    scores = model.predict_proba(values)[:, 1]
    whole = outcomes(scores > 0.5, truth, scores)
    return part(whole, known, TRAINED), part(whole, TRAINED, len(truth))


def ours(name: str, errors: Errors) -> list[int]:
    detector = DETECTORS[name]()
    return [
        start + at
        for start in range(0, len(errors), WINDOW)
        for at in detector.update(errors[start : start + WINDOW]).drifts
    ]


def rivers(name: str, errors: Errors) -> list[int]:
    from river import drift  # noqa: PLC0415

    kinds: Any = drift
    makes: dict[str, Callable[[], Any]] = {
        "ddm": kinds.binary.DDM,
        "eddm": kinds.binary.EDDM,
        "page_hinkley": kinds.PageHinkley,
        "adwin": kinds.ADWIN,
    }
    detector, found = makes[name](), []
    for at, error in enumerate(errors.tolist()):
        detector.update(error)
        if detector.drift_detected:
            found.append(at)
    return found


def measures(reference: Outcomes, whole: Outcomes) -> list[int]:
    """The ends of the windows in which accuracy alarms."""
    before = Summary.of(reference)
    return [
        end - 1
        for end in range(WINDOW, len(whole.truth) + 1, WINDOW)
        if "accuracy"
        in alarmed(judge(DEFAULT, before, Summary.of(part(whole, end - WINDOW, end)), SPAN))
    ]


def told(found: list[list[int]], width: int) -> str:
    """After how many rows of its middle a change was found, and alarms before it began."""
    begin = HALF - width if width else 2 * HALF
    false = sum(at < begin for alarms in found for at in alarms) / len(found)
    if not width:
        return f"{false:.1f} false alarms"
    delays = [next((at - HALF + 1 for at in alarms if at >= begin), np.inf) for alarms in found]
    return f"{statistics.median(delays):g} rows, {false:.1f} false alarms"


def of_streams(seeds: int) -> None:
    named: dict[tuple[str, int], list[tuple[Outcomes, Outcomes]]] = {}
    for seed in range(seeds):
        for name, width, stream in streams(seed):
            named.setdefault((name, width), []).append(predicted(stream))
    for (name, width), runs in named.items():
        errors = [(whole.predicted != whole.truth).astype(np.float64) for _, whole in runs]
        first, last = (np.mean([e[rows].mean() for e in errors]) for rows in HALVES)
        print(f"{name}: errors {first:.3f} → {last:.3f}")
        for detector in WATCHED:
            mine, theirs = ([find(detector, e) for e in errors] for find in (ours, rivers))
            print(f"  {detector}: {told(mine, width)}; river {told(theirs, width)}")
        print(f"  accuracy, by {WINDOW}: {told([measures(*run) for run in runs], width)}")


def of_loans() -> None:
    """NannyML's car loans."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it asks when it is imported
    import nannyml  # noqa: PLC0415

    reference, analysis, truths = nannyml.load_synthetic_car_loan_dataset()
    full = analysis.merge(truths, on="id")
    size = 5000
    about = {
        "y_pred_proba": "y_pred_proba",
        "y_pred": "y_pred",
        "y_true": "repaid",
        "problem_type": "classification_binary",
        "metrics": ["roc_auc"],
        "chunk_size": size,
    }
    guessed = nannyml.CBPE(**about).fit(reference).estimate(analysis)
    realised = nannyml.PerformanceCalculator(**about).fit(reference).calculate(full)
    theirs = [r.filter(period="analysis").to_df()["roc_auc"] for r in (realised, guessed)]
    features = [c for c in analysis if c not in ("id", "timestamp", "y_pred", "y_pred_proba")]

    def window(frame: Any) -> Window:
        columns: dict[Key, Any] = {}
        for name in features:
            column = frame[name]
            kind = Numeric.of if column.dtype.kind in "if" else Categories.of
            columns[Key(MODEL, Role.FEATURE, name)] = kind(column.tolist())
        columns[Key(MODEL, Role.SCORE, "")] = Probability.of(frame["y_pred_proba"].to_numpy())
        return Window(MODEL, 0, 1, columns, len(frame))

    def loans(frame: Any) -> Outcomes:
        return outcomes(frame["y_pred"], frame["repaid"], frame["y_pred_proba"])

    before, at_first = Summary.of(loans(reference)), window(reference)
    learnt = calibrations(before.scores)
    detectors = {name: DETECTORS[name]() for name in WATCHED}
    print("chunk   AUC: ours  NannyML   CBPE: ours  NannyML   who alarms")
    for number in range(len(full) // size):
        chunk = full[number * size : (number + 1) * size]
        mine = loans(chunk)
        assert mine.scores is not None
        sketch = {"1": Probability.of(mine.scores[:, 0])}
        guess = estimate(before, learnt, sketch, Categories.of(mine.predicted.tolist()))
        measured = judge(DEFAULT, before, Summary.of(mine), SPAN)
        estimated = judge(DEFAULT, before, guess, SPAN, ((SOURCE, "estimated"),))
        errors = (mine.predicted != mine.truth).astype(np.float64)
        drifted = [f for f in run(CHECKS, at_first, window(chunk)) if f.verdict is Verdict.ALARM]
        who = {
            "measured": alarmed(measured),
            "estimated": alarmed(estimated),
            "errors": [n for n, detector in detectors.items() if detector.update(errors).drifts],
            "drift": sorted({f"{f.feature or f.role}" for f in drifted}),
            "NannyML measured": ["roc_auc"] * int(theirs[0]["alert"].iloc[number]),
            "NannyML estimated": ["roc_auc"] * int(theirs[1]["alert"].iloc[number]),
        }
        values = [
            next(f.value for f in measured if f.check == "roc_auc"),
            theirs[0]["value"].iloc[number],
            next(f.value for f in estimated if f.check == "roc_auc"),
            theirs[1]["value"].iloc[number],
        ]
        cells = "   ".join(f"{value:.5f}" for value in values)
        alarms = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in who.items() if names)
        print(f"{number + 1:5}   {cells}   {alarms or 'nobody'}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--loans", action="store_true", help="only these, in this environment")
    asked = parser.parse_args()
    if asked.loans:
        of_loans()
        return
    of_streams(asked.seeds)
    python = Path(__file__).parents[1] / ".venvs" / "nannyml" / "bin" / "python"
    if python.exists():
        subprocess.run([python, __file__, "--loans"], check=True)


if __name__ == "__main__":
    main()
