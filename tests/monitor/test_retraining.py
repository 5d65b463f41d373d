"""Retraining is recommended once, resolved once, and restarts make no difference."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Finding, Limits, Role, Verdict
from otelml.monitor import rules
from otelml.monitor.retraining import MOST, OF_CHECK, Recommendation, Signal
from otelml.monitor.rules import Beyond, Degraded, Drifted

OK, WARN, ALARM, SILENT = Verdict.OK, Verdict.WARN, Verdict.ALARM, Verdict.TOO_LITTLE_DATA
ESTIMATED = (("ml.performance.source", "estimated"),)


def found(
    number: int,
    verdict: Verdict,
    check: str = "accuracy",
    value: float | None = 0.5,
    labels: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Finding:
    about = {"role": Role.ERROR, "feature": None} | more
    return Finding(
        model="m",
        model_version="1",
        check=check,
        value=value,
        p_value=None,
        p_value_adjusted=None,
        effect=None,
        limits=Limits(),
        reference=None,
        verdict=verdict,
        samples=100,
        baseline_samples=100,
        window=(number * 10, number * 10 + 10),
        labels=labels,
        **about,
    )


def drift(number: int, drifted: int, features: int, check: str = "psi") -> list[Finding]:
    return [
        found(number, ALARM if i < drifted else OK, check, role=Role.FEATURE, feature=f"x{i}")
        for i in range(features)
    ]


def states(signal: Signal, windows: Iterable[Sequence[Finding]]) -> list[list[bool]]:
    return [[change.recommended for change in signal.update(window)] for window in windows]


def run(rule: rules.Rule, verdicts: Sequence[Verdict], quiet: int = 2) -> list[list[bool]]:
    windows = [[found(number, verdict)] for number, verdict in enumerate(verdicts)]
    return states(Signal([rule], quiet), windows)


def test_it_is_recommended_once_and_resolved_once() -> None:
    verdicts = [OK, ALARM, OK, ALARM, ALARM, OK, ALARM, OK, OK, OK]
    changes = run(Degraded(("accuracy",)), verdicts)
    assert [[], [], [], [True], [], [], [], [], [False], []] == changes


def test_what_was_before_it_was_resolved_does_not_bring_it_back() -> None:
    verdicts = [ALARM, ALARM, OK, OK, OK, ALARM, OK, OK]
    changes = run(Degraded(windows=(2, 5)), verdicts)
    assert [[], [True], [], [False], [], [], [], []] == changes


def test_windows_that_say_nothing_count_for_neither() -> None:
    verdicts = [ALARM, SILENT, SILENT, ALARM, OK, SILENT, OK]
    assert [[], [], [], [True], [], [], [False]] == run(Degraded(), verdicts)


def test_a_warning_is_enough_where_it_was_asked_for() -> None:
    assert [[], [True]] == run(Degraded(verdict=WARN), [WARN, ALARM])
    assert [[], []] == run(Degraded(verdict=ALARM), [WARN, ALARM])


def test_any_check_is_any_of_performance() -> None:
    rule = Degraded(windows=(1, 1))
    assert [[]] == states(Signal([rule]), [drift(0, 9, 9)])
    assert [[True]] == states(Signal([rule]), [[found(0, ALARM, "mae")]])
    named = Degraded(("psi",), windows=(1, 1))
    assert [[True]] == states(Signal([named]), [drift(0, 9, 9)])


def test_the_source_tells_estimates_from_the_truth() -> None:
    estimated, true = found(0, ALARM, labels=ESTIMATED), found(0, ALARM)
    for source, finding, expected in (
        ("estimated", estimated, [True]),
        ("estimated", true, []),
        ("ground_truth", estimated, []),
        ("ground_truth", true, [True]),
        (None, estimated, [True]),
        (None, true, [True]),
    ):
        rule = Degraded(source=source, windows=(1, 1))
        assert [expected] == states(Signal([rule]), [[finding]])


def test_a_value_beyond_its_limit() -> None:
    above = Beyond(("mae",), above=800, source="estimated", windows=(1, 1))
    below = Beyond(("roc_auc",), below=0.7, windows=(1, 1))
    said = [found(0, OK, "mae", 801.0, ESTIMATED), found(0, Verdict.NO_BASELINE, "roc_auc", 0.6)]
    assert [True, True] == [c.recommended for c in Signal([above, below]).update(said)]
    for value in (800.0, None, float("nan")):
        assert [] == Signal([above]).update([found(0, OK, "mae", value, ESTIMATED)])
    assert [] == Signal([above]).update([found(0, SILENT, "mae", 900.0, ESTIMATED)])
    assert [] == Signal([above]).update([found(0, OK, "mae", 900.0)])


@pytest.mark.parametrize(
    ("features", "drifted", "expected"),
    [
        (0.3, 3, True),
        (0.3, 2, False),
        (0.7, 7, True),
        (3, 3, True),
        (3, 2, False),
        (1, 1, True),
        (1, 0, False),
    ],
)
def test_features_that_drifted(features: float, drifted: int, expected: bool) -> None:
    changes = Signal([Drifted(features, (1, 1))]).update(drift(0, drifted, 10))
    assert expected == bool(changes)


def test_a_feature_that_several_checks_find_drifted_is_one() -> None:
    twice = drift(0, 2, 10) + drift(0, 2, 10, "wasserstein")
    assert [] == Signal([Drifted(3, (1, 1))]).update(twice)
    (change,) = Signal([Drifted(2, (1, 1))]).update(twice)
    assert ["x0", "x1"] == [finding["feature"] for finding in change.evidence]


def test_predictions_that_drift_are_no_features() -> None:
    assert [] == Signal([Drifted(1, (1, 1))]).update(
        [found(0, ALARM, "psi", role=Role.PREDICTION, feature="output")]
    )


def test_the_evidence_is_what_led_to_it() -> None:
    signal = Signal([Degraded(("accuracy", "recall"))])
    signal.update([found(0, ALARM), found(0, ALARM, "mae"), found(0, OK, "recall")])
    signal.update([found(1, OK)])
    (change,) = signal.update([found(2, OK), found(2, ALARM, "recall")])
    expected = (found(0, ALARM).json(), found(2, ALARM, "recall").json())
    assert Recommendation(Degraded(("accuracy", "recall")), True, expected, (20, 30)) == change
    assert (change.rule,) == signal.recommended


def test_the_evidence_is_bounded() -> None:
    signal = Signal([Degraded(windows=(10, 10))])
    changes: list[Recommendation] = []
    for number in range(10):
        classes = [found(number, ALARM, labels=(("class", str(i)),)) for i in range(50)]
        changes += signal.update(classes)
    (change,) = changes
    assert MOST == len(change.evidence)
    assert change.evidence[-1]["window"] == found(9, ALARM).json()["window"]
    assert 10 * OF_CHECK == json.dumps(signal.dump()).count('"check"')


def test_a_window_that_is_judged_again_counts_as_it_was_last() -> None:
    signal = Signal([Degraded()])
    for _ in range(3):
        assert [] == signal.update([found(0, ALARM)])
    assert [] == signal.update([found(0, OK)])
    assert [] == signal.update([found(1, ALARM)])
    assert [True] == [c.recommended for c in signal.update([found(0, ALARM)])]
    assert [] == signal.update([found(0, OK)])
    assert [False] == [c.recommended for c in signal.update([found(1, OK)])]
    assert () == signal.recommended


def test_findings_of_one_window_may_come_in_several_parts() -> None:
    signal = Signal([Degraded(("accuracy", "psi"), windows=(1, 1))])
    assert [True] == [c.recommended for c in signal.update(drift(0, 1, 1))]
    signal.update([found(0, OK)])
    assert [[], [False]] == states(signal, [[found(1, OK)], [found(2, OK)]])


VERDICTS = st.lists(st.sampled_from([OK, WARN, ALARM, SILENT]), max_size=30)
OF = st.integers(1, 5).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of)))


@given(VERDICTS, OF, st.integers(1, 4))
def test_changes_take_turns_and_are_justified(
    verdicts: list[Verdict], windows: tuple[int, int], quiet: int
) -> None:
    changes = run(Degraded(windows=windows), verdicts, quiet)
    told = [(number, change) for number, some in enumerate(changes) for change in some]
    assert [i % 2 == 0 for i in range(len(told))] == [change for _, change in told]
    for number, recommended in told:
        heard = [v is ALARM for v in verdicts[: number + 1] if v is not SILENT]
        if recommended:
            assert sum(heard[-windows[1] :]) >= windows[0]
        else:
            assert not any(heard[-quiet:])


@given(VERDICTS, OF, st.integers(1, 4), st.sets(st.integers(0, 30)))
def test_restarts_make_no_difference(
    verdicts: list[Verdict], windows: tuple[int, int], quiet: int, restarts: set[int]
) -> None:
    chosen: list[rules.Rule] = [
        Degraded(windows=windows),
        Beyond(("accuracy",), above=0.4, windows=windows),
    ]
    whole, parts = Signal(chosen, quiet), Signal(chosen, quiet)
    for number, verdict in enumerate(verdicts):
        if number in restarts:
            state = json.loads(json.dumps(parts.dump()))
            parts = Signal(chosen, quiet)
            parts.load(state)
        finding = found(number, verdict, value=0.5 if verdict is ALARM else 0.3)
        assert whole.update([finding]) == parts.update([finding])
    assert whole.dump() == parts.dump()


@given(VERDICTS, OF, st.data())
def test_the_order_in_which_a_windows_parts_are_judged_makes_no_difference(
    verdicts: list[Verdict], windows: tuple[int, int], data: st.DataObject
) -> None:
    """As long as it is settled after the last of them, and nothing was resolved meanwhile."""
    few = verdicts[: windows[1]]
    rule = Degraded(windows=windows)
    order = data.draw(st.permutations(range(len(few))))
    straight, mixed = Signal([rule], 100), Signal([rule], 100)
    states(straight, [[found(i, verdict)] for i, verdict in enumerate(few)])
    states(mixed, [[found(i, few[i])] for i in order])
    assert straight.recommended == mixed.recommended


def test_a_rule_that_is_no_more_is_forgotten() -> None:
    old = Signal([Degraded(), Drifted(3)])
    old.update([found(0, ALARM)])
    new = Signal([Degraded()])
    new.load(old.dump())
    assert [True] == [c.recommended for c in new.update([found(1, ALARM)])]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"checks": ["accuracy", "roc_auc"], "verdict": "alarm", "windows": "2 of 3"},
            Degraded(("accuracy", "roc_auc"), ALARM, None, (2, 3)),
        ),
        (
            {"checks": ["mae"], "source": "estimated", "above": 800},
            Beyond(("mae",), 800, None, "estimated"),
        ),
        (
            {"checks": ["r2"], "above": 2, "below": 0.1},
            Beyond(("r2",), 2, 0.1),
        ),
        ({"drifted_features": 0.3, "windows": "2 of 3"}, Drifted(0.3, (2, 3))),
        ({"verdict": "warn"}, Degraded((), WARN)),
    ],
)
def test_rules_are_configured(given: dict[str, Any], expected: rules.Rule) -> None:
    assert expected == rules.parse(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "one of: verdict, above or below, drifted_features"),
        ({"checks": ["mae"]}, "one of"),
        ({"verdict": "alarm", "above": 3}, "one of"),
        ({"verdict": "ok"}, "warn or alarm, not 'ok'"),
        ({"above": 3}, "need checks"),
        ({"checks": ["mae"], "above": "3"}, "above is a number, not '3'"),
        ({"checks": "mae", "above": 3}, "list of names, not 'mae'"),
        ({"checks": ["mae"], "above": 3, "source": "guess"}, "ground_truth or estimated"),
        ({"drifted_features": 0}, "share below 1"),
        ({"drifted_features": True}, "is a number"),
        ({"drifted_features": 3, "checks": ["psi"]}, "checks: know only"),
        ({"verdict": "alarm", "when": 3}, "when: know only checks, source, verdict, windows"),
        ({"verdict": "alarm", "windows": "3 of 2"}, "'3 of 2' is not of the form '2 of 3'"),
    ],
)
def test_what_is_no_rule_is_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rules.parse(given)
