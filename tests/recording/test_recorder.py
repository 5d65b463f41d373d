"""The recorder: what went in comes out, once; bounded; nothing before a fork."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from otelml.data import Block, Inference, Key, Labels, Model, Role
from otelml.recording import sketches as folded
from otelml.recording.columns import column, features, labels
from otelml.recording.recorder import Recorder
from otelml.recording.settings import Settings
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric

MODEL = Model("m")


def inference(rows: int, value: float = 1.0) -> Inference:
    block = Block(Role.FEATURE, ("a", "b"), np.full((rows, 2), value))
    classes = Labels(Role.PREDICTION, "", ("yes",) * rows)
    return Inference(MODEL, "predict", "sklearn", rows, 0.01, (block, classes))


def drained(recorder: Recorder) -> dict[Key, object]:
    return {series.key: series.sketch for series in recorder.drain()}


def recorded(recorder: Recorder, calls: int, rows: int) -> None:
    for _ in range(calls):
        recorder.start((MODEL, "predict", "sklearn"))
        recorder.buffer.put(inference(rows))


def total(sketches: dict[Key, object], role: Role) -> int:
    return sum(s.value for k, s in sketches.items() if k.role is role and isinstance(s, Count))


def test_what_went_in_comes_out_once() -> None:
    recorder = Recorder()
    recorded(recorder, 3, 10)
    sketches = drained(recorder)
    a = sketches[Key(MODEL, Role.FEATURE, "a")]
    classes = sketches[Key(MODEL, Role.PREDICTION)]
    assert isinstance(a, Numeric)
    assert isinstance(classes, Categories)
    assert (30, 30, {"yes": 30}) == (total(sketches, Role.PREDICTIONS), a.count, classes.counts)
    assert 0 == total(sketches, Role.ACTIVE)
    assert {} == drained(recorder)


def test_a_column_is_of_no_kind_while_its_values_are_missing() -> None:
    recorder = Recorder()

    def called(*ages: float | None) -> None:
        recorder.start((MODEL, "predict", "sklearn"))
        told = tuple(features([{"age": age} for age in ages], None, frozenset(), 10))
        recorder.buffer.put(Inference(MODEL, "predict", "sklearn", len(ages), 0.01, told))

    key = Key(MODEL, Role.FEATURE, "age")
    called(None)
    assert Categories.of([None]) == drained(recorder)[key]
    called(None)
    called(*map(float, range(300)))
    age = drained(recorder)[key]
    assert isinstance(age, Numeric)
    assert (300, 1, 0) == (age.count, age.missing, age.mismatched)


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    ("odd", "usual", "kind"), [("n/a", 7, Numeric), (7, "nurse", Categories)], ids=str
)
def test_an_odd_value_that_comes_first_does_not_tell_the_kind(
    odd: Any, usual: Any, kind: type[Any], *, apart: bool
) -> None:
    recorder = Recorder()

    def called(*values: Any) -> None:
        for value in values:
            told = tuple(features([{"column": value}], None, frozenset(), 10))
            recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 1, 0.01, told))
            if apart:
                recorder.fold()

    key = Key(MODEL, Role.FEATURE, "column")
    called(odd, *[usual] * 70)
    first = drained(recorder)[key]
    called(*[odd] * 200, usual)
    second = drained(recorder)[key]
    assert isinstance(first, kind)
    assert isinstance(second, kind)
    assert (71, 201, 1) == (first.observations, second.observations, second.count)


def test_a_clock_that_is_set_back_ends_no_series_before_its_start() -> None:
    recorder = Recorder(clock=iter([100, 50, 60]).__next__)
    recorded(recorder, 1, 1)
    assert {(50, 50)} == {(series.start, series.end) for series in recorder.drain()}
    recorded(recorder, 1, 1)
    assert {(50, 60)} == {(series.start, series.end) for series in recorder.drain()}


def test_many_threads_lose_nothing() -> None:
    recorder = Recorder()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: recorded(recorder, 100, 3), range(64)))
    assert 64 * 100 * 3 == total(drained(recorder), Role.PREDICTIONS)


def test_the_buffer_is_bounded_and_what_is_shed_is_counted() -> None:
    woken = []
    recorder = Recorder(Settings(max_buffered_rows=100), on_full=lambda: woken.append(1))
    recorded(recorder, 50, 10)
    sketches = drained(recorder)
    kept = sketches[Key(MODEL, Role.FEATURE, "a")]
    assert isinstance(kept, Numeric)
    assert woken
    assert 500 == total(sketches, Role.PREDICTIONS)
    assert 500 == kept.count + total(sketches, Role.DROPPED)
    assert kept.count <= 110


def test_a_call_larger_than_the_buffer_is_sampled() -> None:
    recorder = Recorder(Settings(max_buffered_rows=100))
    recorded(recorder, 1, 1000)
    sketches = drained(recorder)
    kept = sketches[Key(MODEL, Role.FEATURE, "a")]
    assert isinstance(kept, Numeric)
    assert (1000, 50, 950) == (
        total(sketches, Role.PREDICTIONS),
        kept.count,
        total(sketches, Role.DROPPED),
    )


def test_calls_without_columns_take_room_too() -> None:
    woken = []
    recorder = Recorder(Settings(max_buffered_rows=100), on_full=lambda: woken.append(1))
    recorded(recorder, 5, 10)
    assert not woken
    for _ in range(200):
        recorder.start((MODEL, "predict", "sklearn"))
        recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 1, 0.01, (), "ValueError"))
    assert woken
    sketches = drained(recorder)
    calls = [s.count for k, s in sketches.items() if k.role is Role.DURATION]  # type: ignore[attr-defined]
    assert [5, 200] == calls
    assert 0 == total(sketches, Role.DROPPED)
    assert 0 == total(sketches, Role.ACTIVE)


def test_long_texts_weigh_by_their_length() -> None:
    recorder = Recorder(Settings(max_buffered_rows=400))
    texts = Labels(Role.FEATURE, "a", ("x" * 256,) * 100)
    recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 100, 0.01, (texts,)))
    assert 0 < total(drained(recorder), Role.DROPPED)


def test_documents_are_counted_and_do_not_leave() -> None:
    recorder = Recorder()
    columns = features([["a"], ["b" * 1000], ["c" * 1000], [None]], None, frozenset(), 10)
    recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 4, 0.01, columns))
    assert Categories({"a": 1}, 2, 1) == drained(recorder)[Key(MODEL, Role.FEATURE, "x0")]


def test_a_column_that_cannot_be_read_is_counted() -> None:
    recorder = Recorder()
    columns = features([{"emb": [1, 2], "age": 1.0}] * 3, None, frozenset(), 10)
    recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 3, 0.01, columns))
    found = recorder.drain()
    assert ["age"] == [s.key.name for s in found if s.key.role is Role.FEATURE]
    dropped = [(s.key.labels[0][1], s.sketch) for s in found if s.key.role is Role.DROPPED]
    assert [("not_readable", Count(3))] == dropped


def test_a_forked_child_starts_empty() -> None:
    recorder = Recorder()
    recorded(recorder, 3, 10)
    recorder.forget()
    assert {} == drained(recorder)


def test_features_are_named_capped_and_excluded() -> None:
    rows = np.arange(12.0).reshape(3, 4)
    (block,) = features(rows, None, frozenset({"x1"}), 2)
    assert isinstance(block, Block)
    assert ("x0", "x2") == block.names
    assert [[0, 2], [4, 6], [8, 10]] == block.values.tolist()


def test_what_is_recorded_is_a_copy() -> None:
    rows = np.zeros((2, 2))
    (block,) = features(rows, None, frozenset(), 10)
    rows[:] = 7
    assert isinstance(block, Block)
    assert 0 == block.values.sum()


def test_mixed_objects_are_numbers_with_mismatches_or_categories() -> None:
    numbers = column(Role.FEATURE, "x", np.array([1, 2.5, "?", None], object))
    assert isinstance(numbers, Block)
    assert {"x": 1} == numbers.mismatched
    assert 2 == np.isnan(numbers.values).sum()
    texts = column(Role.FEATURE, "x", np.array(["a", None, 3], object))
    assert Labels(Role.FEATURE, "x", ("a", None, "3")) == texts


def test_decimals_are_numbers_as_they_are_in_a_table() -> None:
    """A database's, in a frame: a baseline from a file has them as numbers."""
    found = column(Role.FEATURE, "x", np.array([Decimal("1.50"), None, Decimal(2)], object))
    assert isinstance(found, Block)
    np.testing.assert_array_equal([1.5, np.nan, 2.0], found.values[:, 0])


def test_integers_beyond_all_floats_are_not_finite() -> None:
    huge = 10**400
    for given in ([[huge, "a"], [-1, "b"]], [{"x0": huge, "x1": "a"}, {"x0": -1, "x1": "b"}]):
        number, text = features(given, None, frozenset(), 10)
        assert isinstance(number, Block)
        assert [[np.inf], [-1.0]] == number.values.tolist()
        assert ("a", "b") == text.values
    assert [-np.inf, 1.0] == column(Role.FEATURE, "a", [-huge, 1.0]).values[:, 0].tolist()  # type: ignore[call-overload]


def test_what_utf_8_cannot_say_is_replaced() -> None:
    rows = [{"job\udc00": "\ud83d"}, {"job\udc00": "é"}, {"job\udc00": None}]
    given = (rows, {"job\udc00": np.array(["\ud83d", "é", "\ud83d"])})
    one, two = (features(each, None, frozenset(), 10) for each in given)
    assert (Labels(Role.FEATURE, "job?", ("?", "é", None)),) == one
    assert (Labels(Role.FEATURE, "job?", ("?", "é", "?")),) == two


def test_moments_in_time_are_epoch_seconds() -> None:
    found = column(Role.FEATURE, "t", np.array(["1970-01-02", "NaT"], "datetime64[s]"))
    assert isinstance(found, Block)
    assert [86400.0, True] == [found.values[0, 0], bool(np.isnan(found.values[1, 0]))]


def test_labels_are_text_and_missing_ones_none() -> None:
    assert ["1", "True", None, None] == labels(np.array([1, True, None, float("nan")], object))


def test_a_model_has_so_many_features_whatever_it_is_called_with() -> None:
    recorder = Recorder(Settings(max_features=3))
    for number in range(20):
        given = [{"a": 1.0, f"x{number}": 2.0, f"y{number}": "z", f"z{number}": [1.0, 2.0]}]
        columns = features(given, None, frozenset(), 3)
        recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 1, 0.01, columns))
        wide = Block(Role.FEATURE, (f"x{number}", "a"), np.array([[3.0, 4.0]]))
        recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 1, 0.01, (wide,)))
        recorder.fold()
    found = {key.name: s for key, s in drained(recorder).items() if key.role is Role.FEATURE}
    assert {"a", "x0", "y0"} == found.keys()
    assert [40, 2, 1] == [found[name].observations for name in sorted(found)]  # type: ignore[attr-defined]


def test_a_process_has_so_many_models_and_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folded, "_MODELS", 3)
    monkeypatch.setattr(folded, "_FEATURES", 5)
    recorder = Recorder()
    for number in range(20):  # a name may be that of a file, or come from whoever calls the app
        model = Model(f"m{number % 10}")
        row = features([{"a": 1.0, "b": "z"}], None, frozenset(), 100)
        recorder.start((model, "predict", "sklearn"))
        predicted = Block(Role.PREDICTION, ("",), np.array([[3.0]]))
        call = Inference(model, "predict", "sklearn", 1, 0.01, (*row, predicted))
        recorder.buffer.put(call)
        recorder.fold()
    recorder.load(Model("m9"), "sklearn", 0.1, None)
    series = recorder.drain()
    held = {one.key: one.sketch for one in series}
    assert len(series) == len(held)
    rows = {key.model.name: s for key, s in held.items() if key.role is Role.PREDICTIONS}
    assert {"m0": Count(2), "m1": Count(2), "m2": Count(2), "_OTHER": Count(14)} == rows
    others = {key.role for key in held if key.model.name == "_OTHER"}
    assert not any(role.is_column for role in others)
    assert {Role.DURATION, Role.LOAD_DURATION, Role.ACTIVE} <= others
    assert 5 == sum(key.role is Role.FEATURE for key in held)
    assert 3 == sum(key.role is Role.PREDICTION for key in held)


def test_layouts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folded, "_LAYOUTS", 10)
    recorder = Recorder()
    names = ("a", "b", "c", "d")
    for order in itertools.permutations(range(4)):  # a client may send its columns in any
        block = Block(Role.FEATURE, tuple(names[i] for i in order), np.array([order], float))
        recorder.buffer.put(Inference(MODEL, "predict", "sklearn", 1, 0.01, (block,)))
        recorder.fold()
    held = recorder._sketches._matrices
    assert 10 >= sum(matrix.columns for matrix in held.values())
    found = {key.name: s for key, s in drained(recorder).items() if key.role is Role.FEATURE}
    assert {"a": 0, "b": 1, "c": 2, "d": 3} == {n: s.mean for n, s in found.items()}  # type: ignore[attr-defined]
