"""What is kept stays, in order, and state replaces what led to it in one step."""

import asyncio
import stat
from pathlib import Path

import pytest

from otelml.store.journal import Journal, Letter, Repeated, StoreError


async def test_requests_are_kept_before_they_are_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    journal = Journal(url)
    applied: list[int] = []
    await asyncio.gather(*(journal.append(b"%d" % i, applied.append) for i in range(50)))
    assert list(range(1, 51)) == applied
    journal._lease.close()  # as after a crash: the rest is not closed
    again = Journal(url)
    assert (None, 0) == again.state()
    assert [(i + 1, b"%d" % i) for i in range(50)] == list(again.entries(0))
    journal.close()
    again.close()


async def test_a_state_replaces_what_led_to_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    journal = Journal(url)
    applied: list[int] = []
    for body in (b"a", b"b", b"c"):
        await journal.append(body, applied.append)
    await journal.snapshot(b"state", 2, [Letter("x", "metrics", b"1"), Letter("x", "logs", b"2")])
    journal.close()
    again = Journal(url)
    assert (b"state", 2) == again.state()
    assert [(3, b"c")] == list(again.entries(2))
    first = await again.first("x")
    assert first is not None
    assert Letter("x", "metrics", b"1") == first[1]
    await again.sent(first[0])
    second = await again.first("x")
    assert second is not None
    assert b"2" == second[1].body
    assert await again.first("y") is None
    again.close()


async def test_what_is_repeated_lasts_until_it_is_replaced_or_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    journal = Journal(url)
    first = [Repeated("a", 1, 5, b"1"), Repeated("b" * 100_000, 1, 5, b"2")]
    await journal.snapshot(b"", 1, (), first)
    replaced = Repeated("a", 2, 6, b"3")
    await journal.snapshot(b"", 2, (), [replaced])
    journal.close()
    again = Journal(url)
    assert {first[1], replaced} == set(again.repeated(4))
    assert [replaced] == again.repeated(5)
    await again.snapshot(b"", 3)
    later = Repeated("c", 5, 9, b"4")
    await again.snapshot(b"", 4, (), [later])
    assert {replaced, later} == set(again.repeated(0))
    again.close()


async def test_a_state_that_was_not_kept_replaces_nothing(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'a.db'}")
    await journal.append(b"four", lambda _: None)
    journal.close()
    with pytest.raises(RuntimeError):
        await journal.snapshot(b"state", 1)
    assert 4 == journal.bytes


async def test_numbers_go_on_after_all_requests_were_replaced(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    journal = Journal(url)
    applied: list[int] = []
    await journal.append(b"a", applied.append)
    await journal.append(b"b", applied.append)
    await journal.snapshot(b"state", 2)
    journal.close()
    again = Journal(url)
    again.state()
    await again.append(b"c", applied.append)
    assert [1, 2, 3] == applied
    again.close()


async def test_the_outbox_is_bounded_and_gives_up_the_oldest(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'a.db'}")
    await journal.snapshot(b"", 0, [Letter("x", "metrics", b"%d" % i) for i in range(10)])
    assert 7 == await journal.trim("x", 3)
    assert 0 == await journal.trim("x", 3)
    first = await journal.first("x")
    assert first is not None
    assert b"7" == first[1].body
    journal.close()


async def test_nothing_waits_for_an_exporter_that_is_no_more(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'a.db'}")
    await journal.snapshot(b"", 0, [Letter(name, "logs", b"") for name in "xyxz"])
    assert {"x": 2, "z": 1} == await journal.abandon({"y": None})
    assert {} == await journal.abandon({"y": None})
    assert await journal.first("x") is None
    assert await journal.first("y") is not None
    assert {"y": 1} == await journal.abandon(())
    journal.close()


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'a.db'}")
    with journal._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE journal")
    applied: list[int] = []
    with pytest.raises(StoreError, match="no such table"):
        await journal.append(b"a", applied.append)
    assert [] == applied
    journal.close()


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="not a database"):
        Journal(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(StoreError, match="choose a file that can be written"):
        Journal(f"sqlite:///{tmp_path / 'a.db' / 'b.db'}")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'deep' / 'a.db'}")
    journal.close()
    assert 0o600 == stat.S_IMODE((tmp_path / "deep" / "a.db").stat().st_mode)
    assert 0o700 == stat.S_IMODE((tmp_path / "deep").stat().st_mode)
