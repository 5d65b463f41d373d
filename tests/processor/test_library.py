"""Baselines that a directory holds, and what is wrong with others beside them."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IRUSR
from threading import Timer
from typing import Any

import numpy as np
import pytest

from otelml.data import Baseline, Key, Model, Role, Sketch, Window
from otelml.monitor.performance.summary import Summary
from otelml.processor.library import Learner, Library
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.wire import file

MODEL = Model("fraud")
SECOND = 1_000_000_000


def window(start: int = 0) -> Window:
    sketches: dict[Key, Sketch] = {
        Key(MODEL, Role.FEATURE, "age"): Numeric.of(np.arange(300.0)),
        Key(MODEL, Role.PREDICTIONS, "predict"): Count(300),
    }
    return Window(MODEL, start * SECOND, (start + 1) * SECOND, sketches, 300)


@pytest.mark.parametrize("outcomes", [{}, [], {"rows": 1}, Summary().dump() | {"scores": 3}])
def test_outcomes_that_cannot_be_read_are_told_and_hold_up_nothing(
    tmp_path: Path, outcomes: Any
) -> None:
    path = tmp_path / "fraud.json"
    file.write(path, file.baseline(window(), source="", created=0, outcomes=outcomes))
    library = Library(str(tmp_path))
    (told,) = library.refresh()
    assert told.startswith(f"{path}: its outcomes cannot be read")
    assert "otelml baseline build" in told
    assert library.find(MODEL) is None
    assert library.reference(MODEL) is None


def test_what_a_baseline_says_of_performance_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "fraud.json"
    known = file.baseline(window(), source="", created=0, outcomes=Summary().dump())
    file.write(path, known)
    library = Library(str(tmp_path))
    assert [f"{path}: baseline {known.id} of fraud"] == library.refresh()
    reference = library.reference(MODEL)
    assert reference is not None
    assert known == reference.baseline
    path.unlink()
    assert [f"{path}: removed"] == library.refresh()
    assert library.reference(MODEL) is None


def test_what_was_learnt_is_taken_up_again() -> None:
    learner = Learner(2, 200)
    assert [False, True, False] == [learner.learn(window(start)) for start in range(3)]
    state = learner.dump()
    again = Learner(2, 200)
    again.load(json.loads(json.dumps(state)))
    assert state == again.dump()
    found, known = again.find(MODEL), learner.find(MODEL)
    assert found is not None
    assert known is not None
    assert (600, known.id) == (found.rows, found.id)


def test_whatever_is_in_a_file_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = tmp_path / "a.json", tmp_path / "b.json"
    bad.write_text("{}")
    known = file.baseline(window(), source="", created=0)
    file.write(good, known)
    read = file.read

    def failing(path: Path) -> Baseline:
        if path == bad:
            raise RuntimeError("of a kind that nobody thought of")
        return read(path)

    monkeypatch.setattr(file, "read", failing)
    library = Library(str(tmp_path))
    wrong, right = library.refresh()
    assert wrong.startswith(f"{bad}: it cannot be read (RuntimeError")
    assert f"{good}: baseline {known.id} of fraud" == right
    assert known == library.find(MODEL)
    good.unlink()
    assert [f"{good}: removed"] == library.refresh()
    assert library.find(MODEL) is None


def test_numbers_that_are_none_hold_up_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "a.json"
    bad.write_text('{"otelml":{"format":1},"resourceMetrics":[NaN]}')
    known = file.baseline(window(), source="", created=0)
    file.write(tmp_path / "b.json", known)
    library = Library(str(tmp_path))
    assert library.refresh()[0].startswith(f"{bad}: ")
    assert known == library.find(MODEL)


def test_a_file_that_may_be_read_at_last_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    known = file.baseline(window(), source="", created=0)
    file.write(path, known)
    path.chmod(0)
    read = file.read

    def permitted(path: Path) -> Baseline:
        if not path.stat().st_mode & S_IRUSR:  # as of another user than root
            raise file.BaselineError(f"{path}: Permission denied")
        return read(path)

    monkeypatch.setattr(file, "read", permitted)
    library = Library(str(tmp_path))
    assert [f"{path}: Permission denied"] == library.refresh()
    assert [] == library.refresh()
    time.sleep(0.02)  # clocks of files are coarse
    path.chmod(S_IRUSR)
    assert [f"{path}: baseline {known.id} of fraud"] == library.refresh()
    assert known == library.find(MODEL)


def test_pipes_are_passed_over(tmp_path: Path) -> None:
    pipe = tmp_path / "a.json"
    os.mkfifo(pipe)
    known = file.baseline(window(), source="", created=0)
    file.write(tmp_path / "b.json", known)
    with ending_the_wait(pipe):
        library = Library(str(tmp_path))
        assert [f"{tmp_path / 'b.json'}: baseline {known.id} of fraud"] == library.refresh()


@contextmanager
def ending_the_wait(pipe: Path) -> Iterator[None]:
    """Have whoever waits for the pipe's writer fail after a while, and not hang."""
    timer = Timer(5, lambda: os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
