"""Concept drift of a model in service: an alert opens at a drift, and stays while errors do."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from otelml.data import Owner, Prediction, Truth
from otelml.monitor.alerts import Alerts
from otelml.processor import concepts as streams
from otelml.processor.concepts import Concepts
from otelml.store.database import Database
from otelml.store.joins import Joins

SECOND = 1_000_000_000
OWNER = Owner("shop", "", "prod", "fraud")
DETECTORS = ("ddm", "page_hinkley", "adwin")


@pytest.fixture
def joins(tmp_path: Path) -> Iterator[Joins]:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    yield Joins(database, 3600, 1_000_000, 60)
    database.close()


async def followed(joins: Joins, rates: list[float]) -> list[set[str]]:
    """Detectors with an open alert after each evaluation, of 500 labels with that error rate.

    The state is kept and taken up again after each.
    """
    random = np.random.default_rng(0)
    concepts, alerts = Concepts(DETECTORS, 1.0), Alerts((1, 1), 2)
    opened: list[set[str]] = []
    for number, rate in enumerate(rates, 1):
        wrong = random.random(500) < rate
        ids = [f"{number}-{i}" for i in range(500)]
        predictions = [(OWNER, Prediction(id_, 0, "no")) for id_ in ids]
        truths = [Truth(i, 1, "yes" if bad else "no") for i, bad in zip(ids, wrong, strict=True)]
        await joins.accept(predictions, truths, 1)
        findings = concepts.feed(joins, OWNER, number * SECOND)
        alerts.update(findings)
        opened.append({finding.check for finding in findings if alerts.is_open(finding)})
        kept = json.loads(json.dumps(concepts.dump()))
        concepts = Concepts(DETECTORS, 1.0)
        concepts.load(kept)
    return opened


async def test_while_errors_stay_the_alert_stays_open(joins: Joins) -> None:
    opened = await followed(joins, [0.1] * 6 + [0.3] * 30)
    assert [set()] * 6 == opened[:6]
    assert [{*DETECTORS}] * 27 == opened[9:]


async def test_once_errors_are_back_it_resolves(joins: Joins) -> None:
    opened = await followed(joins, [0.1] * 6 + [0.3] * 10 + [0.1] * 10)
    assert {*DETECTORS} == opened[15]
    assert [set()] * 6 == opened[20:]


async def test_a_finding_tells_what_was_usual(joins: Joins) -> None:
    await followed(joins, [0.1] * 6)
    concepts = Concepts(("adwin",), 1.0)
    (quiet,) = concepts.feed(joins, OWNER, 0)
    assert (0.0, None) == (quiet.effect, quiet.reference)
    ids = [f"bad-{i}" for i in range(500)]
    predictions = [(OWNER, Prediction(name, 0, "no")) for name in ids]
    await joins.accept(predictions, [Truth(name, 1, "yes") for name in ids], 1)
    (found,) = concepts.feed(joins, OWNER, 0)
    assert (1.0, 1.0) == (found.effect, found.value)
    assert quiet.value == pytest.approx(found.reference, abs=0.05)


async def test_streams_are_bounded_and_those_that_are_over_make_room(
    joins: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_MOST", 1)
    concepts = Concepts(("adwin",), 1.0)

    async def fed(version: str, second: int) -> int:
        owner = OWNER._replace(version=version)
        name, now = f"{version}-{second}", second * SECOND
        await joins.accept([(owner, Prediction(name, now, "no"))], [Truth(name, now, "no")], now)
        return len(concepts.feed(joins, owner, now))

    assert [1, 0, 1] == [await fed("1", 0), await fed("2", 1), await fed("1", 2)]
    await joins.expire(7200 * SECOND)
    assert 1 == await fed("3", 7200)
    assert ["3"] == [owner[4] for owner in concepts.dump()]
