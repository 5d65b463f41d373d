"""What the package offers is what it says."""

import re
from importlib.metadata import distribution
from pathlib import Path

import otelml
from otelml import names
from tests.tables import TITLES, filled, hooks

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_all_is_what_there_is() -> None:
    assert all(hasattr(otelml, name) for name in otelml.__all__)


def test_no_extra_is_named_instruments() -> None:
    extras = distribution("otelml").metadata.get_all("Provides-Extra")
    assert ["demo", "postgresql", "processor", "system"] == sorted(extras or [])


def test_names_are_well_formed() -> None:
    for name in (*names.METRICS, *names.ATTRIBUTES, *names.EVENTS):
        assert re.fullmatch(r"[a-z]+(\.[a-z][a-z0-9_]*)+", name), name
    assert all(name.startswith(names.PREFIX) for name in (*names.METRICS, *names.EVENTS))


def test_the_readmes_tables_are_what_the_code_says() -> None:
    assert README == filled(README), "python -m tests.tables"


def test_every_hook_is_in_the_readme() -> None:
    assert hooks().keys() == TITLES.keys()
