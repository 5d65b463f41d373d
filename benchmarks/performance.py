"""A window of 100,000 labelled rows: summed up, and all measures of it, beside scikit-learn."""

import time
from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from sklearn import metrics

from otelml.data import Key, Model, Outcomes, Role, Sketch, Window
from otelml.monitor.concept import DETECTORS
from otelml.monitor.performance.check import Span
from otelml.monitor.performance.registry import DEFAULT, judge
from otelml.monitor.performance.summaries import Summaries
from otelml.monitor.performance.summary import Summary
from otelml.processor.reference import Reference
from otelml.sketch.categories import Categories
from otelml.sketch.probability import Probability
from otelml.wire import file

ROWS = 100_000
MODEL = Model("m")


def millis(work: Callable[[], object], repeat: int = 7) -> float:
    """Milliseconds of CPU, the median of some runs."""
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1e3)
    return sorted(times)[repeat // 2]


def peers(truth: np.ndarray, score: np.ndarray, predicted: np.ndarray) -> None:
    """The same measures from the rows."""
    for measure in (metrics.roc_auc_score, metrics.average_precision_score, metrics.log_loss):
        measure(truth, score)
    metrics.brier_score_loss(truth, score)
    metrics.accuracy_score(truth, predicted)
    metrics.precision_recall_fscore_support(truth, predicted, average="binary")
    metrics.confusion_matrix(truth, predicted)
    metrics.roc_curve(truth, score)


def main() -> None:
    random = np.random.default_rng(0)
    score = random.random(ROWS)
    truth, predicted = random.random(ROWS) < score, score > 0.5
    outcomes = Outcomes(
        np.where(predicted, "yes", "no").astype(object),
        np.where(truth, "yes", "no").astype(object),
        np.ones(ROWS),
        ("yes",),
        score[:, None],
    )
    summary = Summary.of(outcomes)
    print(f"{ROWS} rows summed up: {millis(lambda: Summary.of(outcomes)):.0f} ms")
    took = millis(lambda: judge(DEFAULT, summary, summary, Span(MODEL, 0, 1)))
    print(f"all measures of the sum, with intervals and verdicts: {took:.1f} ms")
    print(f"scikit-learn on the rows: {millis(lambda: peers(truth, score, predicted)):.0f} ms")
    sketches: dict[Key, Sketch] = {
        Key(MODEL, Role.SCORE): Probability.of(score),
        Key(MODEL, Role.PREDICTION): Categories.of([*outcomes.predicted]),
    }
    window = Window(MODEL, 1, 2, MappingProxyType(sketches), ROWS)
    reference = Reference(file.baseline(window, source="", created=0), Summaries(summary))
    reference.estimated(DEFAULT, window)  # what is learnt of the baseline is kept
    took = millis(lambda: reference.estimated(DEFAULT, window))
    print(f"all measures estimated without labels: {took:.1f} ms")
    errors = (random.random(ROWS) < 0.1).astype(float)
    for name, detector in DETECTORS.items():
        took = millis(lambda: detector().update(errors), 3) * 1e3 / ROWS  # noqa: B023
        print(f"{name}: {took:.2f} µs an error")


if __name__ == "__main__":
    main()
