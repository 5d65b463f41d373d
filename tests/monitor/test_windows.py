"""Windows by event time, whatever the order; alerts with hysteresis."""

import json
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Finding, Key, Limits, Model, Point, Role, Verdict, Window
from otelml.monitor.alerts import Alerts, parse_open_after
from otelml.monitor.baseline import Baselines
from otelml.monitor.window import Windows
from otelml.sketch.count import Count
from otelml.sketch.parts import Part, Piece

SECOND = 1_000_000_000
MODEL = Model("m", "1")
KEY = Key(MODEL, Role.PREDICTIONS, "predict")


def point(end: float, count: int = 1) -> Point:
    return Point(KEY, Piece(Part.TOTAL, count), 0, round(end * SECOND))


def counts(windows: Iterable[Window]) -> dict[float, int]:
    return {w.start / SECOND: w.rows for w in windows}


def test_a_point_belongs_to_the_window_in_which_it_ends() -> None:
    windows = Windows(10, 2)
    for end in (1, 9.9, 10, 10.1, 25):
        windows.fold(point(end), 25 * SECOND)
    assert {0.0: 3, 10.0: 1} == counts(windows.close(25 * SECOND))
    assert {20.0: 1} == counts(windows.drain())


def test_late_points_are_counted_and_left_out() -> None:
    windows = Windows(10, 2)
    windows.fold(point(5), 5 * SECOND)
    windows.fold(point(30), 30 * SECOND)
    list(windows.close(30 * SECOND))
    assert not windows.fold(point(6), 31 * SECOND)
    assert {"late": 1} == dict(windows.dropped)


def test_an_idle_source_is_closed_by_the_clock() -> None:
    windows = Windows(10, 2)
    windows.fold(point(5), 5 * SECOND)
    assert [] == list(windows.close(11 * SECOND))
    assert {0.0: 1} == counts(windows.close(12 * SECOND))


def test_a_source_is_not_idle_while_nobody_listens() -> None:
    windows = Windows(10, 2)
    windows.fold(point(5), 5 * SECOND)
    windows.since = 100 * SECOND
    assert [] == list(windows.close(101 * SECOND))
    assert windows.fold(point(6), 101 * SECOND)
    assert {0.0: 2} == counts(windows.close(103 * SECOND))


@pytest.mark.parametrize("step", [4000, -4000])
def test_a_step_of_the_clock_loses_nothing(step: int) -> None:
    """The wall clock steps once, and a source that knows the time goes on as ever."""
    windows, told = Windows(10, 2), 0
    for second in range(100, 300):
        now = second + (step if second >= 200 else 0)
        windows.fold(point(second), now * SECOND)
        told += sum(window.rows for window in windows.close(now * SECOND))
        assert windows.series <= 2
    told += sum(window.rows for window in windows.drain())
    assert 200 == told
    assert {} == windows.dropped


def test_series_are_bounded() -> None:
    windows = Windows(10, 2, most_series=1)
    assert windows.fold(point(5), 5 * SECOND)
    other = Point(Key(MODEL, Role.ACTIVE), Piece(Part.TOTAL, 1), 0, 5 * SECOND)
    assert not windows.fold(other, 5 * SECOND)
    assert {"too_many_series": 1} == dict(windows.dropped)


def test_a_model_without_room_does_not_keep_windows_from_closing() -> None:
    windows = Windows(10, 2, most_series=1)
    windows.fold(point(5), 5 * SECOND)
    late = Key(Model("late"), Role.PREDICTIONS)
    assert not windows.fold(Point(late, Piece(Part.TOTAL, 1), 0, 5 * SECOND), 5 * SECOND)
    assert {MODEL: 1, late.model: 0} == {w.model: w.rows for w in windows.close(12 * SECOND)}


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 5))), st.randoms())
def test_windows_ignore_the_order_of_arrival(points: list[tuple[int, int]], random: object) -> None:
    shuffled = [*points]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = []
    for order in (points, shuffled):
        windows = Windows(10, 60)
        for end, count in order:
            windows.fold(point(end, count), 60 * SECOND)
        found.append(counts(windows.drain()))
    assert found[0] == found[1]


def test_state_survives_json() -> None:
    windows = Windows(10, 2)
    windows.fold(point(5, 3), 5 * SECOND)
    windows.fold(point(25), 25 * SECOND)
    list(windows.close(25 * SECOND))
    again = Windows(10, 2)
    again.load(json.loads(json.dumps(windows.dump())))
    assert not again.fold(point(6), 26 * SECOND)
    assert counts(windows.drain()) == counts(again.drain())


@pytest.mark.parametrize("length", [5, 30])
def test_a_restart_with_another_length_loses_nothing(length: int) -> None:
    windows = Windows(10, 2)
    windows.fold(point(5, 3), 5 * SECOND)
    windows.fold(point(25), 25 * SECOND)
    windows.fold(point(31), 25 * SECOND)
    assert {0.0: 3} == counts(windows.close(25 * SECOND))
    again = Windows(length, 2)
    again.load(json.loads(json.dumps(windows.dump())))
    assert 2 == again.series
    assert again.fold(point(29), 32 * SECOND)
    told = again.drain()
    assert 3 == sum(window.rows for window in told)
    assert {0} == {window.start % (length * SECOND) for window in told}
    assert {} == again.dropped


def finding(verdict: Verdict, window: int = 0) -> Finding:
    return Finding(
        "m", None, Role.FEATURE, "age", "psi", 1.0, None, None, 1.0, Limits(), None, verdict, 1, 1,
        (window, window + 1),
    )  # fmt: skip


def changes(verdicts: str) -> str:
    """What alerts do over windows: `!` alarm, `.` quiet, `?` too little data."""
    alerts = Alerts()
    kinds = {"!": Verdict.ALARM, ".": Verdict.OK, "?": Verdict.TOO_LITTLE_DATA}
    told = ""
    for window, mark in enumerate(verdicts):
        made = alerts.update([finding(kinds[mark], window)])
        told += ("+" if made[0].opened else "-") if made else " "
        state = json.loads(json.dumps(alerts.dump()))
        alerts = Alerts()
        alerts.load(state)
    return told


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("!...!...", "        "),
        ("!!", " +"),
        ("!.!", "  +"),
        ("!!..", " + -"),
        ("!!.!..", " +   -"),
        ("!!.??.", " +   -"),
        ("!?!", "  +"),
    ],
)
def test_alerts_open_and_resolve_with_hysteresis(verdicts: str, expected: str) -> None:
    assert expected == changes(verdicts)


def test_a_window_judged_again_counts_once_as_it_was_judged_last() -> None:
    alerts = Alerts()
    for _ in range(3):
        assert not alerts.update([finding(Verdict.ALARM, 5)])
    assert not alerts.update([finding(Verdict.OK, 6)])
    (change,) = alerts.update([finding(Verdict.ALARM, 6)])
    assert change.opened
    alerts.update([finding(Verdict.OK, 6)])
    (change,) = alerts.update([finding(Verdict.OK, 5)])  # its labels came late
    assert not change.opened


def of_each(verdict: Verdict, window: int, names: Iterable[str]) -> list[Finding]:
    return [finding(verdict, window)._replace(feature=name) for name in names]


def features(alerts: Alerts) -> set[str]:
    return {state[3] for state in alerts.dump()}


def test_features_that_come_and_go_leave_nothing_behind() -> None:
    dropped: Counter[str] = Counter()
    alerts = Alerts(most=10, dropped=dropped)
    for window in range(2):
        alerts.update(of_each(Verdict.ALARM, window, ["open"]))
    alerts.update(of_each(Verdict.ALARM, 2, ["alarmed once"]))
    for window in range(3, 100):
        names = {f"{window}-{number}" for number in range(4)}
        assert [] == alerts.update(of_each(Verdict.OK, window, names))
        assert names | {"open", "alarmed once"} <= features(alerts)
        assert len(features(alerts)) <= 10
    assert not dropped
    (change,) = alerts.update(of_each(Verdict.ALARM, 100, ["alarmed once"]))
    assert change.opened


def test_no_more_alerts_open_than_subjects_are_known_and_none_is_lost() -> None:
    dropped: Counter[str] = Counter()
    alerts = Alerts(most=10, dropped=dropped)
    names = [f"f{number}" for number in range(15)]
    assert [] == alerts.update(of_each(Verdict.ALARM, 0, names))
    assert {"alert_limit": 5} == dropped
    opened = alerts.update(of_each(Verdict.ALARM, 1, names))
    assert 10 == len(opened) == len(features(alerts))
    assert {"alert_limit": 10} == dropped
    alerts.update(of_each(Verdict.OK, 2, names))
    resolved = alerts.update(of_each(Verdict.OK, 3, names))
    assert {c.finding.feature for c in opened} == {c.finding.feature for c in resolved}


def test_an_alert_of_which_nothing_is_judged_resolves() -> None:
    alerts = Alerts()
    alerts.update(of_each(Verdict.ALARM, 0, ["open", "pending"]))
    alerts.update(of_each(Verdict.ALARM, 1, ["open"]))
    alerts.update(of_each(Verdict.OK, 1, ["quiet"]))
    assert [] == alerts.forget(before=0, quiet=1, now=9)
    assert {"open", "pending", "quiet"} == features(alerts)
    assert [] == alerts.forget(before=0, quiet=2, now=9)
    assert {"open", "pending"} == features(alerts)
    assert [] == alerts.forget(before=1, quiet=9, now=9)
    assert {"open"} == features(alerts)
    (change,) = alerts.forget(before=2, quiet=9, now=9)
    assert (False, "open", None, (1, 9), 0) == (
        change.opened,
        change.finding.feature,
        change.finding.value,
        change.finding.window,
        change.finding.samples,
    )
    assert not alerts.is_open(change.finding)
    assert set() == features(alerts)


def test_two_of_three_is_read() -> None:
    assert (2, 3) == parse_open_after("2 of 3")
    for wrong in ("3 of 2", "two of three", "2", "", "2 of 3 windows"):
        with pytest.raises(ValueError, match="is not of the form '2 of 3'"):
            parse_open_after(wrong)


def test_a_baseline_without_a_version_serves_every_version() -> None:
    from otelml.data import Baseline

    def kept(version: str | None, created: int) -> Baseline:
        model = Model("m", version)
        held = Window(model, 0, 1, {KEY: Count(1)}, 1)
        return Baseline(f"{version}{created}", model, held, 1, "", created, {})

    baselines = Baselines([kept(None, 1), kept("2", 1), kept("2", 3), kept("2", 2)])
    assert "None1" == getattr(baselines.find(Model("m", "7")), "id", None)
    assert "23" == getattr(baselines.find(Model("m", "2")), "id", None)
    assert baselines.find(Model("other")) is None
