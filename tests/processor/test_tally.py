"""Odd predictions and odd labels give findings that JSON can hold, whatever the baseline."""

import json
import math
import random
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from otelml.data import Key, Model, Outcomes, Role, Sketch, Verdict, Window
from otelml.monitor.performance.summaries import Summaries
from otelml.monitor.performance.summary import Summary
from otelml.monitor.registry import DEFAULT
from otelml.monitor.segments import slices
from otelml.processor import config
from otelml.processor.assess import rules_of
from otelml.processor.reference import Reference
from otelml.processor.tally import Tally
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability
from otelml.wire import file

MODEL = Model("m")
NUMBERS = [0.0, 1.0, math.nan, -1e300, 2.5]
SETTINGS = config.Processor.model_validate(
    {
        "segments": {"columns": ["region"]},
        "fairness": {"columns": ["region"], "min_group": 1},
        "performance": {"min_samples": 1},
    }
)


def odd(choose: random.Random) -> Outcomes:
    """Rows of a classifier or a regression, few or many, with scores of any kind or none."""
    rows = choose.choice([0, 1, 2, 3, 50, 300])

    def column(values: list[Any], kind: type) -> Any:
        return np.array([choose.choice(values) for _ in range(rows)], kind)

    weight = column([1.0, 1.0, 0.0, 2.5], float)
    segments = {"region": column(["a", "b", None], object)}
    if choose.random() < 0.3:
        low = column(NUMBERS, float)
        predicted, truth = column(NUMBERS, float), column(NUMBERS, float)
        return Outcomes(predicted, truth, weight, low=low, high=low + 1, segments=segments)
    labels: list[Any] = choose.choice([["y"], ["n", "y"], ["a", "b", "c"], [None, "x", "y"]])
    classes = choose.choice([(), ("",), ("y",), ("a", "b", "c")])
    scores = [0.0, 1.0, 0.5, math.nan, 0.2, -3.0, 7.0]
    return Outcomes(
        column(labels, object),
        column(labels, object),
        weight,
        classes,
        np.stack([column(scores, float) for _ in classes], axis=1) if classes else None,
        segments=segments,
    )


def window(outcomes: Outcomes) -> Window:
    rows = max(len(outcomes.truth), 1)
    sketches: dict[Key, Sketch] = {Key(MODEL, Role.PREDICTIONS, "predict"): Count(rows)}
    if outcomes.classifies:
        sketches[Key(MODEL, Role.PREDICTION)] = Categories.of([*outcomes.predicted])
        sketches[Key(MODEL, Role.TARGET)] = Categories.of([*outcomes.truth])
        if outcomes.scores is not None:
            sketches[Key(MODEL, Role.SCORE)] = Probability.of(outcomes.scores[:, 0])
    else:
        sketches[Key(MODEL, Role.PREDICTION)] = Numeric.of(outcomes.predicted)
        sketches[Key(MODEL, Role.TARGET)] = Numeric.of(outcomes.truth)
    return Window(MODEL, 1, 2, MappingProxyType(sketches), rows)


def summed(outcomes: Outcomes) -> Summaries:
    parts = slices(outcomes, [["region"]])
    return Summaries(Summary.of(outcomes), {labels: Summary.of(part) for labels, part in parts})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(80))
def test_odd_outcomes_give_findings(seed: int) -> None:
    choose = random.Random(seed)
    before, now = odd(choose), odd(choose)
    rules = rules_of(SETTINGS.performance)
    summaries = Summaries.load(json.loads(json.dumps(summed(before).dump())))
    baseline = file.baseline(window(before), source="test", created=0)
    reference = choose.choice([None, Reference(baseline, summaries)])
    tally = Tally(SETTINGS, rules, DEFAULT, reference)
    for piece in (now, odd(choose)):
        tally.add(piece)
    found = tally.findings(window(now))
    if reference is not None:
        found += reference.estimated(rules, window(now))
    assert tally.curve is None or 10 == len(tally.curve.weight)
    json.dumps([finding.json() for finding in found], allow_nan=False)


def test_a_baseline_of_every_version_tells_of_the_targets_of_each() -> None:
    truth = np.array(["n", "y"] * 500, object)
    before = Outcomes(truth, truth, np.ones(1000))
    baseline = file.baseline(window(before), source="test", created=0)
    reference = Reference(baseline, summed(before))
    tally = Tally(SETTINGS, rules_of(SETTINGS.performance), DEFAULT, reference)
    now = Outcomes(truth, np.full(1000, "y", object), np.ones(1000))
    tally.add(now)
    found = tally.findings(window(now).of(Model("m", "7")))
    drifts = {f.check: f.verdict for f in found if f.role is Role.TARGET}
    assert Verdict.ALARM is drifts["chi_squared"]
