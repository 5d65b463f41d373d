"""CSV files as people have them: read for what they mean, or told with a remedy."""

import gzip
from pathlib import Path

import pytest

from otelml.data import Key, Model, Role
from otelml.offline.layout import Layout
from otelml.offline.profile import profile
from otelml.offline.table import DataError, columns_of
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric

MODEL = Model("m")
MANY = 1_000_000
"""Rows beyond those that tell the types."""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def feature(path: Path, name: str) -> object:
    return profile(path, MODEL, Layout()).sketches[Key(MODEL, Role.FEATURE, name)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "give a file with data"),
        ("\n\n", "give a file with data"),
        ("a,b", "give a file with data"),
        ("a,b\n", "give a file with data"),
        ("a;b\n1;2,5\n", "';', not ','; save it with commas"),
        ("a;b\n1;2\n", "';', not ','; save it with commas"),
        ("a\tb\n1\t2\n", "with tabs as .tsv"),
        ("a,b,a\n1,2,3\n", "two columns are named 'a'; give each a name of its own"),
        ("name\nJosé\n".encode("latin-1"), "0xe9 .* save it as UTF-8"),
        ("prénom\nJ\n".encode("latin-1"), "0xe9 .* save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "save it as UTF-8"),
        (gzip.compress(b"a,b\n1,2\n"), "unpack it"),
        ('a,b\n1,x\n2,"y\n3,z\n', "Row #3: nobody closes the quote before 'y"),
        ("a,b\n1,2\n1,2,3\n", "Row #3: Expected 2 columns, got 3.*; give every line as many"),
    ],
)
def test_what_is_no_table_is_told_with_a_remedy(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        profile(written(tmp_path, content), MODEL, Layout())


def test_one_column_may_have_any_name(tmp_path: Path) -> None:
    assert ["P(y|x)"] == columns_of(written(tmp_path, "P(y|x)\n0.5\n"))


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    """So does pandas write a frame's index."""
    path = written(tmp_path, ",a,b\n" + "0,1,2.5000\n" * MANY + "0,1,x\n")
    found = profile(path, MODEL, Layout()).sketches
    assert {Key(MODEL, Role.FEATURE, name) for name in "ab"} == found.keys()
    mixed = found[Key(MODEL, Role.FEATURE, "b")]
    assert isinstance(mixed, Numeric)
    assert (MANY, 1) == (mixed.count, mixed.mismatched)


def test_infinity_beside_text_is_no_text(tmp_path: Path) -> None:
    """It is not finite in a column of numbers, so it is in one that holds text, too."""
    given = "1.5,1\n" * 7 + "inf,1\n-Infinity,1\n +INF,1\n"
    for text in ("", "unknown,1\n"):
        path = written(tmp_path, f"a,b\n{given}{text}")
        found = profile(path, MODEL, Layout(numeric=frozenset("a")))
        mixed = found.sketches[Key(MODEL, Role.FEATURE, "a")]
        assert isinstance(mixed, Numeric)
        assert (7, 3, bool(text)) == (mixed.count, mixed.non_finite, mixed.mismatched)


def test_text_late_in_every_column(tmp_path: Path) -> None:
    found = feature(written(tmp_path, "a\n" + "1.500000\n" * MANY + "x\n"), "a")
    assert isinstance(found, Numeric)
    assert (MANY, 1) == (found.count, found.mismatched)


def test_text_late_among_booleans_is_one_more_category(tmp_path: Path) -> None:
    found = feature(written(tmp_path, "a,b\n" + "true,1.5\n" * MANY + "maybe,2.5\n"), "a")
    assert Categories({"true": MANY, "maybe": 1}) == found


def test_text_late_among_moments_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "2026-01-01,1\n" * MANY + "never,2\n")
    with pytest.raises(DataError, match=f"'a': Row #{MANY + 2}: .* 'never'; mend it, or --exclude"):
        profile(path, MODEL, Layout())


def test_late_text_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n" + b"x,1234567\n" * MANY + "é,2\n".encode("latin-1"))
    with pytest.raises(DataError, match=f"'a': Row #{MANY + 2}: .* save the file as UTF-8"):
        profile(path, MODEL, Layout())


def test_moments_far_away(tmp_path: Path) -> None:
    """Beyond what nanoseconds in 64 bits can say."""
    found = feature(written(tmp_path, "a\n0001-01-01\n9999-12-31\n"), "a")
    assert isinstance(found, Numeric)
    assert (-62_135_596_800, 253_402_214_400) == (found.minimum, found.maximum)
