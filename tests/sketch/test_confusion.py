import json
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from otelml.sketch.categories import OTHER
from otelml.sketch.confusion import CLASSES, Confusion

names = st.one_of(st.none(), st.sampled_from(["a", "b", "c", OTHER, ""]))
rows = st.lists(st.tuples(names, names, st.integers(0, 9)), max_size=40)
Row = tuple[str | None, str | None, int]


def of(found: list[Row]) -> Confusion:
    return Confusion.of(
        [truth for truth, _, _ in found],
        [guess for _, guess, _ in found],
        np.array([weight for _, _, weight in found], np.float64),
    )


@given(rows, rows, rows)
def test_parts_make_the_whole(one: list[Row], other: list[Row], third: list[Row]) -> None:
    a, b, c = of(one), of(other), of(third)
    assert of(one + other + third) == a.merge(b).merge(c)
    assert c.merge(a.merge(b)) == a.merge(b).merge(c)
    assert a == a.merge(Confusion.empty())
    assert a == Confusion.load(json.loads(json.dumps(a.dump())))


def test_the_matrix_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth, guess = rng.choice(list("abcd"), (2, 500))
    weight = rng.uniform(0.1, 2, 500)
    weights, squares = Confusion.of(truth.tolist(), guess.tolist(), weight).matrices
    for expected, got in ((weight, weights), (weight**2, squares)):
        matrix = confusion_matrix(truth, guess, sample_weight=expected)
        np.testing.assert_allclose(np.pad(matrix, (0, 1)), got)


@given(st.lists(st.tuples(st.integers(0, 150), st.integers(0, 150)), max_size=600), st.data())
def test_many_classes_lose_names_never_counts(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(pairs)))
    parts = [
        Confusion.of([str(t) for t, _ in some], [str(g) for _, g in some])
        for some in (pairs[:cut], pairs[cut:])
    ]
    merged = parts[0].merge(parts[1])
    assert parts[1].merge(parts[0]) == merged
    assert CLASSES >= len(merged.classes)
    assert len(pairs) == merged.total.weight
    assert sum(t == g for t, g in pairs) == merged.right


def test_the_heaviest_classes_keep_their_names() -> None:
    truth = [str(i) for i in range(200) for _ in range(1 + (i % 3 == 0))]
    one = Confusion.of(truth, truth)
    assert {"2": CLASSES} == Counter(str(truth.count(name)) for name in one.classes)
