"""What is expected of slices without labels, from the same slice of the baseline."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from otelml.data import Model, segment
from otelml.monitor.performance.registry import DEFAULT
from otelml.offline.layout import Layout
from otelml.offline.outcomes import summarised
from otelml.offline.profile import profile
from otelml.processor.reference import Reference
from otelml.wire import file

MODEL = Model("m")
LAYOUT = Layout("said", "score", "truth", segments=("region",))
NOISE = {"north": 0.5, "south": 2.0}


def table(path: Path, seed: int) -> pd.DataFrame:
    """Two regions; in the south the scores tell less."""
    random = np.random.default_rng(seed)
    region = random.choice([*NOISE], 20_000, p=[0.7, 0.3])
    hidden = random.normal(size=region.size)
    blurred = hidden + random.normal(size=region.size) * np.vectorize(NOISE.get)(region)
    score = 1 / (1 + np.exp(-2 * blurred))
    frame = pd.DataFrame(
        {
            "region": region,
            "score": score,
            "said": np.where(score > 0.5, "yes", "no"),
            "truth": np.where(hidden > 0, "yes", "no"),
        }
    )
    frame.to_csv(path, index=False)
    return frame


def test_slices_are_estimated_from_their_own_calibration(tmp_path: Path) -> None:
    before, now = tmp_path / "before.csv", tmp_path / "now.csv"
    table(before, 0)
    frame = table(now, 1)
    summaries = summarised(before, LAYOUT)
    assert summaries is not None
    baseline = file.baseline(profile(before, MODEL, LAYOUT), source="test", created=0)
    found = Reference(baseline, summaries).estimated(DEFAULT, profile(now, MODEL, LAYOUT))
    for region, rows in frame.groupby("region"):
        of = segment("region", str(region))
        told = {
            finding.check: finding.value
            for finding in found
            if of == tuple(label for label in finding.labels if label[0].startswith("ml.segment"))
        }
        right = accuracy_score(rows.truth, rows.said)
        area = roc_auc_score(rows.truth == "yes", rows.score)
        assert right == pytest.approx(told["accuracy"], abs=0.01)
        assert area == pytest.approx(told["roc_auc"], abs=0.01)
    sources = {value for finding in found for name, value in finding.labels if "source" in name}
    assert {"estimated"} == sources
