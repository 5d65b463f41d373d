"""Categories: bounded, with the heaviest kept whatever the order."""

from hypothesis import given
from hypothesis import strategies as st

from otelml.sketch.categories import CAPACITY, Categories

words = st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=50)


@given(words, words)
def test_parts_make_the_whole(one: list[str | None], other: list[str | None]) -> None:
    merged = Categories.of(one).merge(Categories.of(other))
    assert Categories.of(one + other) == merged
    assert Categories.of(other).merge(Categories.of(one)) == merged


def test_a_late_heavy_hitter_displaces_light_early_ones() -> None:
    early = Categories.of([f"id{i}" for i in range(5 * CAPACITY)])
    sketch = early.merge(Categories.of(["late"] * 10))
    assert 10 == sketch.counts["late"]
    assert CAPACITY == len(sketch.counts)
    assert 5 * CAPACITY + 10 == sketch.count


@given(words, st.integers(0, 5))
def test_capping_loses_names_never_counts(values: list[str | None], most: int) -> None:
    sketch = Categories.of(values)
    capped = sketch.capped(most)
    assert sketch.observations == capped.observations
    assert len(capped.counts) <= most
    assert set(capped.counts.values()) <= set(sketch.counts.values())
