"""One processor at a time writes the state, and who was killed holds it no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from otelml.store.database import Database, StoreError
from otelml.store.journal import Journal

HOLD = """
import sys
from otelml.store.journal import Journal
Journal(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_journal_on_one_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first = Journal(url)
    second = Database(url)
    with pytest.raises(StoreError, match="another processor uses it"):
        Journal(second)
    second.close()
    first.close()
    Journal(url).close()


def test_who_was_killed_holds_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    command = [sys.executable, "-c", HOLD, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert b"held\n" == child.stdout.readline()
        with pytest.raises(StoreError, match="another processor uses it"):
            Journal(url)
        child.kill()
    Journal(url).close()


def test_journals_in_memory_are_apart() -> None:
    for journal in [Journal("sqlite://"), Journal("sqlite://")]:
        journal.close()


def test_a_journal_that_cannot_be_opened_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="not a database"):
        Journal(f"sqlite:///{path}")
    path.unlink()
    Journal(f"sqlite:///{path}").close()
