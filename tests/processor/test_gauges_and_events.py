"""What is told is declared, carries the monitored service alone, and means what it says."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, SEVERITY_NUMBER_WARN

from otelml import names
from otelml.data import Finding, Key, Model, Role, Window
from otelml.monitor import registry
from otelml.processor import config
from otelml.processor import watch as watching
from otelml.processor.events import events
from otelml.processor.gauges import gauges
from otelml.processor.judged import Judged
from otelml.processor.library import Library
from otelml.processor.watch import Watch
from otelml.sketch.numeric import Numeric
from otelml.wire.proto import Decoder, Service, window_metrics

Make = Callable[..., Window]
SHOP = Service("shop", "eu", "production")


def watch(**processor: object) -> Watch:
    rules = {"windows": {"length": "1s", "lateness": "0s"}, "baselines": {"first_windows": 1}}
    return Watch(config.Processor.model_validate(rules | processor), 0)


def request(window: Window) -> bytes:
    whole = window_metrics(window)
    for name, value in (
        ("service.name", SHOP.name),
        ("service.namespace", SHOP.namespace),
        ("deployment.environment.name", SHOP.environment),
        ("service.instance.id", "i-1"),
    ):
        whole.resource_metrics[0].resource.attributes.add(key=name).value.string_value = value
    return whole.SerializeToString()


def judged(state: Watch, window: Window) -> list[Judged]:
    now = window.end + 3600 * 1_000_000_000
    points, bad = state.read(request(window), now)
    assert not bad
    state.fold(1, points, now)
    return [one for _, one in state.judged(now, Library(None))]


def test_everything_told_is_declared(make_window: Make) -> None:
    state = watch(alerts={"open_after": "1 of 1", "resolve_after": 1})
    ones = [
        one
        for number, mean in enumerate((0.0, 3.0, 0.0))
        for one in judged(state, make_window(mean, number=number, seed=number))
    ]
    seen = set()
    for one in ones:
        whole = gauges(SHOP, one, 0, "1", 0).request.resource_metrics[0]
        assert {
            "service.name": "shop",
            "service.namespace": "eu",
            "deployment.environment.name": "production",
        } == {a.key: a.value.string_value for a in whole.resource.attributes}
        for metric in whole.scope_metrics[0].metrics:
            seen.add(metric.name)
            row = names.METRICS[metric.name]
            assert (row.unit, row.half) == (metric.unit, names.Half.PROCESSOR)
            data = getattr(metric, str(metric.WhichOneof("data")))
            for point in data.data_points:
                assert {a.key for a in point.attributes} <= names.ATTRIBUTES.keys()
                assert np.isfinite(getattr(point, str(point.WhichOneof("value"))))
    assert {
        names.DRIFT_SCORE,
        names.DRIFT_P_VALUE,
        names.DRIFT_THRESHOLD,
        names.DRIFT_DETECTED,
        names.DRIFT_FEATURE_RATIO,
        names.VIOLATION_RATIO,
        names.DATA_QUALITY_STATE,
        names.BASELINE_AGE,
        names.BASELINE_SAMPLE_COUNT,
        names.WINDOW_LENGTH,
        names.WINDOW_SAMPLE_COUNT,
    } == seen
    told = events(SHOP, ones, 5, "1")
    assert told is not None
    severities = {}
    for record in told.resource_logs[0].scope_logs[0].log_records:
        severities[record.event_name] = record.severity_number
        assert {a.key for a in record.attributes} <= names.ATTRIBUTES.keys()
        assert "" == record.severity_text
    assert {
        names.DRIFT_DETECTED_EVENT: SEVERITY_NUMBER_WARN,
        names.DRIFT_RESOLVED_EVENT: SEVERITY_NUMBER_INFO,
        names.QUALITY_DEGRADED_EVENT: SEVERITY_NUMBER_WARN,
        names.QUALITY_RESTORED_EVENT: SEVERITY_NUMBER_INFO,
    } == severities


def test_state_is_the_same_after_a_restart(make_window: Make) -> None:
    whole, halves = watch(), watch()
    expected, found = [], []
    for number, mean in enumerate((0.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0)):
        window = make_window(mean, number=number, seed=number)
        expected += judged(whole, window)
        found += judged(halves, window)
        again = watch()
        again.load(halves.dump(), halves.number)
        halves = again
    assert [one.findings for one in expected] == [one.findings for one in found]
    assert whole.dump() == halves.dump()


def test_points_of_the_future_are_refused(make_window: Make) -> None:
    state = watch()
    window = make_window()
    points, bad = state.read(request(window), window.end - 3600 * 1_000_000_000)
    assert [] == points
    assert {"future"} == bad.keys()


def test_a_window_that_fails_takes_no_other_with_it(
    make_window: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(checks: Any, baseline: Any, window: Window, *rest: Any) -> list[Finding]:
        if window.model.name == "bad":
            raise ValueError("broken")
        return registry.run(checks, baseline, window, *rest)

    monkeypatch.setattr("otelml.processor.watch.run", run)
    state, window = watch(), make_window()
    now = window.end + 3600 * 1_000_000_000
    for name in ("bad", "good"):
        own = replace(
            window,
            model=Model(name),
            sketches={key._replace(model=Model(name)): s for key, s in window.sketches.items()},
        )
        state.fold(1, state.read(request(own), now)[0], now)
    assert ["good"] == [one.window.model.name for _, one in state.judged(now, Library(None))]
    assert 1 == state.losses()["judge_error"]


def test_services_are_bounded(make_window: Make) -> None:
    state = watch()
    template = Decoder().points(request(make_window()), Counter())[0]
    now = time.time_ns()
    for number in range(1100):
        stream = template.stream._replace(id=b"%d" % number, service=Service(str(number)))
        state.fold(1, [template._replace(stream=stream)], now)
    assert 1000 == len(state.services)
    assert 100 == state.losses()["service_limit"]


def test_what_is_heard_of_no_more_is_forgotten(make_window: Make) -> None:
    """Services come and go, and there is room for a thousand."""
    state = watch()
    window = make_window(0.0)
    judged(state, window)
    late = state.read(request(replace(window, start=window.start - 1)), window.end)[0]
    state.fold(1, late, window.end)
    losses = state.losses()
    assert losses["late"]
    day = 24 * 3600 * 1_000_000_000
    for days in (1, 30, 36):
        assert not [*state.judged(window.end + days * day, Library(None))]
        assert [SHOP] == [*state.services]
    again = watch()
    again.load(state.dump(), 1)
    assert state.durations
    for each in (state, again):
        assert not [*each.judged(window.end + 38 * day, Library(None))]
        assert not each.services
        assert not each.durations
    assert losses == state.losses()


def test_what_is_told_of_long_ago_is_kept(make_window: Make) -> None:
    """A file of last year's telemetry is sent anew: its model is heard of now."""
    state, year = watch(), 365 * 24 * 3600 * 1_000_000_000
    opened: set[str | None] = set()
    for number, mean in enumerate((0.0, 3.0, 3.0)):
        window = make_window(mean, number=number, seed=number)
        now = window.end + year + number * 3600 * 1_000_000_000  # there is a sweep between
        state.fold(1, state.read(request(window), now)[0], now)
        found = [one for _, one in state.judged(now + 120 * 1_000_000_000, Library(None))]
        opened |= {finding.feature for one in found for finding in one.opened}
        again = watch()
        again.load(state.dump(), 1)
        state = again
    assert "age" in opened


def test_models_that_come_and_go_leave_room(
    make_window: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app that sends a new name with each request would fill the memory within days."""
    monkeypatch.setattr(watching, "_MODELS", 3)
    monkeypatch.setattr(watching, "_SWEEP", 0)
    state, opened, resolved = watch(), 0, 0
    for number in range(10):
        window = make_window(0.0 if number == 0 else 3.0, number=number, seed=number)
        resolved += sum(len(one.resolved) for one in judged(state, window))
        model = Model(f"m{number}")
        sketches = {key._replace(model=model): one for key, one in window.sketches.items()}
        judged(state, replace(window, model=model, sketches=sketches))
        held = state.services[SHOP]
        opened = max(opened, len(held.alerts[window.model].dump()))
    assert [window.model, *(Model(f"m{number}") for number in (7, 8, 9))] == [*held.seen]
    assert [*held.seen] == [*held.alerts] == [*held.previous]
    assert 7 == state.losses()["model_limit"]
    assert 0 == resolved
    assert opened


@pytest.mark.parametrize("goes_on", [True, False])
def test_an_open_alert_of_what_comes_no_more_is_told_to_be_over(
    make_window: Make, *, goes_on: bool
) -> None:
    """Of a feature that was taken out of the model, or of a model that was."""
    state, day = watch(), 24 * 3600
    opened: set[tuple[str | None, str]] = set()
    for number, mean in enumerate((0.0, 3.0, 3.0)):
        for one in judged(state, make_window(mean, number=number, seed=number)):
            opened |= {(f.feature, f.check) for f in one.opened if f.feature == "age"}
    assert opened
    again = watch()
    again.load(state.dump(), 1)
    for days in (20, 36) if goes_on else ():
        other = make_window(number=days * day)
        kept = {key: sketch for key, sketch in other.sketches.items() if key.name != "age"}
        assert not [one for one in judged(again, replace(other, sketches=kept)) if one.resolved]
    now = make_window(number=38 * day).end
    ((service, over),) = again.judged(now, Library(None))
    assert (SHOP, False) == (service, over.shown)
    assert opened == {(f.feature, f.check) for f in over.resolved}
    told = events(SHOP, [over], now, "1")
    assert told is not None
    records = told.resource_logs[0].scope_logs[0].log_records
    assert {now} == {record.time_unix_nano for record in records}
    assert {names.DRIFT_RESOLVED_EVENT, names.QUALITY_RESTORED_EVENT} == {
        record.event_name for record in records
    }
    assert goes_on == bool(again.services)
    held = [a for watched in again.services.values() for a in watched.alerts.values()]
    assert not opened & {(state[3], state[4]) for alerts in held for state in alerts.dump()}


def test_features_that_come_and_go_are_forgotten(make_window: Make) -> None:
    """As soon as no label can come that has them judged anew."""
    state = watch(labels={"expire_after": "1h"}, performance={"window": "1h"})
    judged(state, make_window())
    for number in range(1, 10):
        window = make_window(number=number * 3 * 3600)
        extra = Key(window.model, Role.FEATURE, f"new{number}")
        sketches = {**window.sketches, extra: Numeric.of([1.0, 2.0])}
        judged(state, replace(window, sketches=sketches))
        assert [number] == [n for n in range(10) if f'"new{n}"' in state.dump().decode()]
