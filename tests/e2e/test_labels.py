"""Labels that come late: what PromQL says of a model is what scikit-learn says of the rows."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import joblib
import pandas as pd
from river.datasets import synth
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline

from tests.e2e.conftest import BIN, Neighbours, end, until
from tests.e2e.topology import Topology

WINDOW, BATCHES, ROWS, LATE = 5, 12, 50, 2
BEFORE, AFTER = 2, 3
"""Windows before and after the change."""

EXACT: Final = 1e-12
"""Up to 2048 distinct scores a window, the area under the curve is that of the rows."""

ID: Final = "application"
HERE: Final = Path(__file__).parent
MINUTES: Final = "[5m]"
TRUE: Final = '{ml_performance_source="ground_truth"'
ACCURACY: Final = f"ml_performance_accuracy_ratio{TRUE}}}"  # of the unit 1
AREA: Final = f"ml_performance_roc_auc_ratio{TRUE}}}"
DEGRADED: Final = f'ml_performance_degraded{TRUE}, ml_performance_metric_name="accuracy"}}'
CONCEPT: Final = 'ml_drift_detected{ml_drift_type="concept"'


def applications(concept: int, seed: int) -> Iterator[tuple[dict[str, float], int]]:
    """Loans as Agrawal's generator has them: a concept says who gets one, not who asks.

    Agrawal, Imielinski, Swami (1993), Database mining: a performance perspective.
    """
    return iter(synth.Agrawal(concept, seed=seed, perturbation=0.1))


def table(rows: Iterator[tuple[dict[str, float], int]], count: int) -> tuple[Any, list[int]]:
    some = [next(rows) for _ in range(count)]
    return pd.DataFrame([features for features, _ in some]), [truth for _, truth in some]


class Window(NamedTuple):
    """What was predicted in one window, by the rows' truth and score."""

    truths: list[int]
    scores: list[float]
    ids: list[tuple[str, int]]


class Lending:
    """The service, its callers and those who learn what was right."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._folder = neighbours.folder
        (self._folder / "baselines").mkdir()
        self._train()
        changes = {
            "length: 5m, lateness: 1m": f"length: {WINDOW}s, lateness: 1s",
            "window: 1h, every: 1m": f"window: {WINDOW}s, every: 1s",
        }
        self.topology = Topology(neighbours, "inline.yaml", changes)
        self.app = self.topology.serve(
            neighbours,
            "lending:app",
            HERE,
            OTEL_SERVICE_NAME="lending",
            OTELML_MODEL_NAME="loans",
            OTELML_ID_COLUMN=ID,
            LENDING_MODEL=str(self._folder / "model.joblib"),
        )
        self._neighbours = neighbours
        self._late: list[threading.Thread] = []
        self._learning: list[subprocess.Popen[bytes]] = []
        self._calls = 0

    def _train(self) -> None:
        """A model that knows the first concept, and a baseline of rows that it did not see."""
        rows = applications(1, seed=0)
        features, truths = table(rows, 6000)
        model: Pipeline = make_pipeline(
            make_column_transformer(("passthrough", [*features.columns])),
            HistGradientBoostingClassifier(max_iter=30, random_state=0),
        ).fit(features, truths)
        joblib.dump(model, self._folder / "model.joblib")
        unseen, truths = table(rows, 6000)
        scores = model.predict_proba(unseen)[:, 1]
        known = unseen.assign(score=scores, granted=(scores > 0.5).astype(int), right=truths)
        known.to_csv(self._folder / "validation.csv", index=False)
        subprocess.run(
            [
                *(BIN / "otelml", "baseline", "build", self._folder / "validation.csv"),
                *("--model", "loans", "--prediction", "granted", "--score", "score"),
                *("--target", "right", "-o", self._folder / "baselines" / "loans.json"),
            ],
            check=True,
        )

    def window(self, rows: Iterator[tuple[dict[str, float], int]]) -> Window:
        """Ask for a window's predictions, within it; their labels will be late."""
        where = self.topology.at
        url = f"http://{where['service']}/score"
        time.sleep(WINDOW - time.time() % WINDOW + 0.2)
        found = Window([], [], [])
        while len(found.ids) < BATCHES * ROWS and time.time() % WINDOW < WINDOW - 1.5:
            asked, truths = table(rows, ROWS)
            name = str(self._calls)
            if self._calls % 2:  # one half has a column of ids, the other an id of the request
                names = [(f"loan-{name}-{i}", 0) for i in range(ROWS)]
                asked[ID] = [told for told, _ in names]
            else:
                names = [(f"request-{name}", i) for i in range(ROWS)]
            headers = {"x-request-id": f"request-{name}"}
            answer = httpx.post(url, json=asked.to_dict("records"), headers=headers, timeout=30)
            found.scores.extend(answer.raise_for_status().json())
            found.truths.extend(truths)
            found.ids.extend(names)
            self._calls += 1
            time.sleep(0.1)
        assert time.time() % WINDOW < WINDOW - 0.5, "too slow to be sure of the window"
        later = threading.Thread(target=self._learn, args=(found, self._calls))
        later.start()
        self._late.append(later)
        return found

    def told(self, rows: Iterator[tuple[dict[str, float], int]]) -> Window:
        """A window, once its accuracy is told; a gauge tells the latest window only."""
        found = self.window(rows)
        accuracy = accuracy_score(found.truths, [score > 0.5 for score in found.scores])
        until(lambda: [accuracy] == values(self.topology.ask(ACCURACY)))
        return found

    def _learn(self, window: Window, number: int) -> None:
        """Tell one half of the labels from a file, the other from a process of its own."""
        time.sleep(LATE)
        ids, rows = zip(*window.ids, strict=True)
        labels = pd.DataFrame({"id": ids, "row": rows, "label": window.truths})
        files = [self._folder / f"labels-{number}-{half}.csv" for half in ("push", "label")]
        for half, file in enumerate(files):
            labels[half::2].to_csv(file, index=False)
        where = self.topology.at
        endpoint = f"http://{where['http']}"
        push = (BIN / "otelml", "labels", "push", files[0], "--row", "row", "--endpoint", endpoint)
        tell = (BIN / "opentelemetry-instrument", sys.executable, HERE / "labelling_process.py")
        self._learning += [
            self._neighbours.start(f"push-{number}", *push),
            self._neighbours.start(
                f"label-{number}",
                *(*tell, files[1]),
                **self.topology.exporting(),
                OTEL_SERVICE_NAME="back-office",
            ),
        ]

    def learnt(self) -> None:
        """Wait until everybody told what they know."""
        for thread in self._late:
            thread.join()
        assert {0} == {child.wait(30) for child in self._learning}


def values(found: list[dict[str, Any]]) -> list[float]:
    return [float(one["value"][1]) for one in found]


def series(topology: Topology, selector: str) -> list[tuple[float, float]]:
    """What a series was, by time."""
    (found,) = topology.asked(f"{selector}{MINUTES}")
    return [(float(time), float(value)) for time, value in found["values"]]


def opened(topology: Topology, selector: str) -> float:
    """When a state was first told to be 1."""
    return min(at for at, value in series(topology, selector) if value)


def most(topology: Topology, selector: str) -> set[float]:
    """The most that series were."""
    return set(values(topology.asked(f"max_over_time({selector}{MINUTES})")))


def test_labels_that_come_late_tell_what_scikit_learn_tells(neighbours: Neighbours) -> None:
    lending = Lending(neighbours)
    topology = lending.topology
    before = [lending.told(rows) for rows in [applications(1, seed=1)] * BEFORE]
    change = time.time()
    after = [lending.told(rows) for rows in [applications(3, seed=2)] * AFTER]
    lending.learnt()
    end(lending.app)
    windows = [*before, *after]
    sent = sum(len(window.ids) for window in windows)
    matched = 'sum(ml_ground_truth_labels_total{ml_ground_truth_state="matched"})'
    until(lambda: [sent] == values(topology.ask(matched)), 30)

    areas = [value for _, value in series(topology, AREA)]
    for window in windows:
        area = roc_auc_score(window.truths, window.scores)
        assert min(abs(area - value) for value in areas) < EXACT
    assert abs(area - areas[-1]) < EXACT

    assert change < opened(topology, DEGRADED)
    assert [1] == values(topology.ask(DEGRADED))  # and it stays
    for detector in ("ddm", "page_hinkley", "adwin"):
        assert change < opened(topology, f'{CONCEPT}, ml_drift_method="{detector}"}}')
    # What comes in and goes out of the model looks as ever: nothing without labels can tell.
    assert {0} == most(topology, 'ml_drift_detected{ml_drift_type=~"feature|prediction"}')
    assert {0} == most(topology, "ml_data_quality_detected")
    assert {0} == most(topology, 'ml_performance_degraded{ml_performance_source="estimated"}')
