"""Cumulative streams of what came in, a drain after the other."""

from otelml.data import Key, Model, Role, Series
from otelml.sketch.categories import Categories
from otelml.wire.totals import Total

KEY = Key(Model("m"), Role.FEATURE, "job")


def test_no_category_has_a_name_if_none_may() -> None:
    total = Total(Series(KEY, 0, 1, Categories.of(["a", "b"])), 0)
    total.add(Series(KEY, 1, 2, Categories.of(["a", None])))
    assert Categories({}, 3, 1) == total.shown()
    assert (0, 2) == (total.start, total.end)
