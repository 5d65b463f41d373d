"""Predictions and labels meet, whatever comes first, once, and for as long as they are kept."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.store.joining import SECOND, JoinsMachine

from otelml.data import Owner, Prediction, Truth
from otelml.store.database import Database, StoreError
from otelml.store.joins import Expired, Joins, State
from otelml.store.journal import Journal
from otelml.store.outcomes import AT_ONCE

OWNER = Owner("shop", "", "prod", "fraud", "1")


class OnSqlite(JoinsMachine):
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__(f"sqlite:///{Path(self.folder.name) / 'a.db'}")

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


TestOnSqlite = OnSqlite.TestCase
TestOnSqlite.settings = settings(max_examples=25, stateful_step_count=15)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    given = Database(f"sqlite:///{tmp_path / 'a.db'}")
    yield given
    given.close()


def predictions(count: int, time: int = 0) -> list[tuple[Owner, Prediction]]:
    return [
        (OWNER, Prediction(f"{time}:{i}", time, "1", None, (("1", 0.5),))) for i in range(count)
    ]


async def test_of_labels_that_nothing_matches_only_so_many_wait(database: Database) -> None:
    joins = Joins(database, 3600, 3, 60)
    for i in range(5):
        await joins.accept([], [Truth(str(i), 0, "1")], i)
    assert Expired(0, 2) == await joins.expire(5)
    owned = [(OWNER, Prediction(str(i), 0, "1")) for i in range(5)]
    assert 3 == (await joins.accept(owned, [], 5)).count(State.MATCHED)


async def test_much_is_read_and_deleted_piece_by_piece(database: Database) -> None:
    joins = Joins(database, 3600, 100_000, 60)
    given = predictions(AT_ONCE + 1000)
    await joins.accept(given, [Truth(p.id, 1, "0") for _, p in given], 1)
    assert [AT_ONCE, 1000] == [len(some.truth) for some in joins.outcomes(OWNER, 0, 1)]
    assert Expired(len(given), 0) == await joins.expire(7200 * SECOND)
    assert (0, 0) == await joins.population(OWNER, 0, 60 * SECOND)
    assert [] == await joins.changed()


async def test_a_journal_may_be_in_the_same_database(database: Database) -> None:
    joins, journal = Joins(database, 3600, 100, 60), Journal(database)
    kept: list[int] = []
    await journal.append(b"a", kept.append)
    await joins.accept(predictions(2), [], 0)
    assert ([1], 2) == (kept, await joins.pending(OWNER))
    journal.close()


async def test_who_is_unknown_has_nothing(database: Database) -> None:
    joins = Joins(database, 3600, 100, 60)
    assert 0 == await joins.pending(OWNER)
    assert (0, 0) == await joins.population(OWNER, 0, SECOND)
    assert [] == list(joins.outcomes(OWNER, 0, SECOND))
    assert [] == list(joins.paired(OWNER, OWNER, 0, SECOND))


async def test_a_number_is_spelled_as_the_model_spells_its_classes(database: Database) -> None:
    joins = Joins(database, 3600, 100, 60)
    owned = [(OWNER, Prediction("a", 0, "0.0")), (OWNER, Prediction("b", 0, "0"))]
    await joins.accept(owned, [Truth("a", 1, None, 1.0), Truth("b", 1, None, 1.0)], 1)
    (outcomes,) = joins.outcomes(OWNER, 0, 1)
    assert [("0.0", "1.0"), ("0", "1")] == list(
        zip(outcomes.predicted, outcomes.truth, strict=True)
    )


async def test_true_and_1_are_one_class(database: Database) -> None:
    joins = Joins(database, 3600, 100, 60)
    owned = [(OWNER, Prediction(label, 0, label)) for label in ("True", "0")]
    await joins.accept(owned, [Truth("True", 1, "1", 1.0), Truth("0", 1, "False", 0.0)], 1)
    (outcomes,) = joins.outcomes(OWNER, 0, 1)
    assert ["True", "0"] == outcomes.truth.tolist() == outcomes.predicted.tolist()


async def test_what_no_database_can_keep_is_kept_nearly(database: Database) -> None:
    joins = Joins(database, 3600, 100, 60)
    odd = Prediction("a\0\ud800", 1 << 70, "\ud800", None, (("\0", float("nan")),))
    got = await joins.accept([(OWNER, odd)], [Truth("a\0\ud800", -5, "\0")], 1)
    assert (State.MATCHED,) == got.states
    (outcomes,) = joins.outcomes(OWNER, 0, (1 << 63) - 1)
    assert (["?"], ["\ufffd"]) == (list(outcomes.predicted), list(outcomes.truth))


async def test_a_delivery_that_is_not_kept_is_an_error_and_the_next_is_tried(
    database: Database,
) -> None:
    joins = Joins(database, 3600, 100, 60)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE windows RENAME TO gone")
    with pytest.raises(StoreError, match="no such table"):
        await joins.accept(predictions(1), [], 0)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO windows")
    assert 0 == (await joins.accept(predictions(1), [], 0)).repeated
    assert 1 == await joins.pending(OWNER)


def test_what_a_later_version_wrote_is_left_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    Joins(database, 3600, 100, 60)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE joins SET format = 99")
    with pytest.raises(StoreError, match="its format 99 is not 2"):
        Joins(database, 3600, 100, 60)
    database.close()


def test_what_an_earlier_version_wrote_is_left_alone(tmp_path: Path) -> None:
    """Of before labels said their model, and their tables a column of it."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.engine.begin() as connection:
        for statement in (
            "CREATE TABLE joins (id INTEGER PRIMARY KEY, format INT, length INT, change INT)",
            "CREATE TABLE labels (id TEXT PRIMARY KEY, since INT, time INT, label TEXT)",
            "INSERT INTO joins VALUES (1, 1, 60000000000, 7)",
        ):
            connection.exec_driver_sql(statement)
    with pytest.raises(StoreError, match=r"a\.db: its format 1 is not 2: move it away"):
        Joins(database, 3600, 100, 60)
    database.close()


async def test_a_label_of_a_model_is_of_that_model_alone(database: Database) -> None:
    joins = Joins(database, 3600, 100, 60)
    churn = OWNER._replace(model="churn")
    both = [(OWNER, Prediction("a", 0, "1")), (churn, Prediction("a", 0, "1"))]
    given = [Truth("a", 1, "0"), Truth("a", 1, "1", model="fraud"), Truth("a", 2, "2")]
    got = await joins.accept(both, given, 1)
    assert (State.MATCHED, State.MATCHED, State.CORRECTED) == got.states
    told = {o: [*some.truth] for o in (OWNER, churn) for some in joins.outcomes(o, 0, 1)}
    assert {OWNER: ["1"], churn: ["2"]} == told


async def test_a_challenger_is_judged_by_what_was_right_of_its_champion(
    database: Database,
) -> None:
    joins = Joins(database, 3600, 100, 60)
    challenger = OWNER._replace(model="fraud-next")
    both = [(OWNER, Prediction("a", 0, "1")), (challenger, Prediction("a", 0, "0"))]
    await joins.accept(both, [Truth("a", 1, "0", model="fraud")], 1)
    ((one, other),) = joins.paired(OWNER, challenger, 0, 1)
    assert (["1"], ["0"], ["0"], ["0"]) == (
        [*one.predicted],
        [*one.truth],
        [*other.predicted],
        [*other.truth],
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql+psycopg//:hidden@x", "cannot be read"),
        ("postgresql+nothing://otelml:hidden@127.0.0.1/x", "otelml:[*]{3}@127.0.0.1/x"),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Database(url)
    assert "hidden" not in str(caught.value)
