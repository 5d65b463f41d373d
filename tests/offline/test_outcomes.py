"""What predictions beside targets in a table sum up to, whatever the file and its types."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

from otelml.data import Key, Model, Role
from otelml.monitor.performance.check import Span
from otelml.monitor.performance.registry import DEFAULT, judge
from otelml.offline.layout import Layout
from otelml.offline.outcomes import summarised
from otelml.offline.profile import profile
from otelml.offline.table import DataError
from otelml.sketch.categories import Categories

RNG = np.random.default_rng(0)
SCORE = RNG.random(3000)
TRUE = RNG.random(3000) < SCORE


def written(frame: pd.DataFrame, path: Path) -> Path:
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".parquet":
            frame.to_parquet(path)
        case _:
            frame.to_feather(path, compression="uncompressed")
    return path


def measured(path: Path, layout: Layout) -> dict[str, float | None]:
    found = summarised(path, layout)
    assert found is not None
    findings = judge(DEFAULT, None, found.whole, Span(Model("m"), 0, 1))
    return {finding.check: finding.value for finding in findings}


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "feather"])
@pytest.mark.parametrize(
    "spelled",
    [
        lambda b: b.astype(int),
        lambda b: b.astype(float),
        lambda b: b,
        lambda b: np.where(b, "yes", "no"),
    ],
)
def test_classes_of_every_type(tmp_path: Path, kind: str, spelled: Any) -> None:
    frame = pd.DataFrame({"y": spelled(TRUE), "p": spelled(SCORE > 0.5), "s": SCORE, "x": SCORE})
    found = measured(written(frame, tmp_path / f"a.{kind}"), Layout("p", "s", "y"))
    assert accuracy_score(TRUE, SCORE > 0.5) == pytest.approx(found["accuracy"])
    assert roc_auc_score(TRUE, SCORE) == pytest.approx(found["roc_auc"], abs=0.001)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("predicted", "true"), [(bool, int), (int, bool), (bool, float), (float, bool)]
)
@pytest.mark.parametrize("score", ["s", None])
def test_true_and_1_are_one_class(
    tmp_path: Path, kind: str, predicted: type, true: type, score: str | None
) -> None:
    frame = pd.DataFrame({"y": TRUE.astype(true), "p": (SCORE > 0.5).astype(predicted), "s": SCORE})
    path, layout = written(frame, tmp_path / f"a.{kind}"), Layout("p", score, "y")
    found = measured(path, layout)
    assert accuracy_score(TRUE, SCORE > 0.5) == pytest.approx(found["accuracy"])
    if score:
        assert roc_auc_score(TRUE, SCORE) == pytest.approx(found["roc_auc"], abs=0.001)


@pytest.mark.parametrize(
    ("predicted", "true", "wanted"),
    [(bool, int, {"True", "False"}), (int, bool, {"1", "0"}), (float, bool, {"1", "0"})],
)
def test_truths_are_spelled_as_predictions_are(
    tmp_path: Path, predicted: type, true: type, wanted: set[str]
) -> None:
    """So are late labels, which are compared with them."""
    frame = pd.DataFrame({"y": TRUE.astype(true), "p": (SCORE > 0.5).astype(predicted)})
    path = written(frame, tmp_path / "a.parquet")
    found = profile(path, Model("m"), Layout("p", None, "y")).sketches
    target = found[Key(Model("m"), Role.TARGET)]
    assert isinstance(target, Categories)
    assert wanted == target.counts.keys()
    assert TRUE.sum() == target.counts[max(wanted)]


@pytest.mark.parametrize("other", [int, float, bool])
def test_classes_that_cannot_be_the_same_are_told(tmp_path: Path, other: type) -> None:
    names = np.where(SCORE > 0.5, "yes", "no")
    path = written(pd.DataFrame({"y": TRUE.astype(other), "p": names}), tmp_path / "a.csv")
    wanted = "--target 'y' holds classes like '(0|False)', and --prediction 'p' .* 'no'; spell"
    with pytest.raises(DataError, match=wanted):
        summarised(path, Layout("p", None, "y"))


def test_numbers(tmp_path: Path) -> None:
    y = RNG.normal(size=3000)
    path = written(pd.DataFrame({"y": y, "p": y + 0.5 * SCORE}), tmp_path / "a.parquet")
    found = measured(path, Layout("p", None, "y"))
    assert mean_absolute_error(y, y + 0.5 * SCORE) == pytest.approx(found["mae"], rel=1e-9)
    assert "accuracy" not in found


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_fractions_beside_booleans_are_numbers(tmp_path: Path, kind: str) -> None:
    path = written(pd.DataFrame({"y": TRUE, "p": SCORE}), tmp_path / f"a.{kind}")
    found = measured(path, Layout("p", None, "y"))
    assert mean_absolute_error(TRUE, SCORE) == pytest.approx(found["mae"], rel=1e-9)


def test_decimals_are_numbers(tmp_path: Path) -> None:
    rows = {"y": [Decimal(3), Decimal(5)], "p": [Decimal("3.5"), Decimal("5.50")]}
    pa.parquet.write_table(pa.table(rows), tmp_path / "a.parquet")
    assert 0.5 == measured(tmp_path / "a.parquet", Layout("p", None, "y"))["mae"]


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": ["a", None, "b"], "p": ["a", "a", None]})
    found = summarised(written(frame, tmp_path / "a.csv"), Layout("p", None, "y"))
    assert found is not None
    summary = found.whole
    assert 2 == summary.rows
    assert 1 == summary.confusion.right


def test_a_table_without_both_has_no_outcomes(tmp_path: Path) -> None:
    path = written(pd.DataFrame({"y": [1], "p": [1]}), tmp_path / "a.csv")
    assert summarised(path, Layout("p")) is None
    assert summarised(path, Layout(None, None, "y")) is None


def test_a_score_that_is_none_far_down_is_told_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    rows = "yes,0.750000000000000,yes\n" * 400_000
    path.write_text(f"label,p,right\n{rows}yes,oops,yes\n")
    wanted = r"column 'p': Row #400002: .*'oops'; mend it, or --exclude the column"
    with pytest.raises(DataError, match=wanted):
        summarised(path, Layout(prediction="label", score="p", target="right"))
