"""Predictions and labels meet, whatever comes first, once, and for as long as they are kept."""

import tempfile
from pathlib import Path

from hypothesis import settings
from tests.store.joining import JoinsMachine


class OnSqlite(JoinsMachine):
    def fresh(self) -> str:
        self.folder = tempfile.TemporaryDirectory()
        return f"sqlite:///{Path(self.folder.name) / 'a.db'}"

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


TestOnSqlite = OnSqlite.TestCase
TestOnSqlite.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
