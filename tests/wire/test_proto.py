"""Points of streams survive the wire, and add up once however they are delivered."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from otelml.data import Key, Model, Point, Role, Sketch, Window
from otelml.sketch.exponential import Exponential
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Part
from otelml.sketch.probability import Probability
from otelml.wire.decode import points
from otelml.wire.deltas import Deltas
from otelml.wire.encode import CUMULATIVE, add_point, key_values, window_metrics
from otelml.wire.points import address

SECOND = 1_000_000_000
BEGAN = 1_000 * SECOND
MODEL = Model("fraud")
AGE = Key(MODEL, Role.FEATURE, "age")
CALLS = Key(MODEL, Role.PREDICTIONS, "predict")


def request(
    value: Exponential | Probability | float,
    start: int,
    end: int,
    *,
    key: Key | None = None,
    part: Part = Part.BODY,
    cumulative: bool = True,
    instance: str = "a",
) -> bytes:
    if key is None:
        key = AGE if isinstance(value, Exponential) else CALLS
    if key is CALLS:
        part = Part.TOTAL
    where = address(key, part, 0.0 if part is Part.SUM else None)
    assert where is not None
    whole = ExportMetricsServiceRequest()
    resource = whole.resource_metrics.add()
    resource.resource.attributes.extend(
        key_values({"service.name": "shop", "service.instance.id": instance})
    )
    metric = resource.scope_metrics.add().metrics.add(name=where.metric)
    temporality = CUMULATIVE if cumulative else pb.AGGREGATION_TEMPORALITY_DELTA
    add_point(metric, key_values(where.attributes), start, end, value, temporality)
    return whole.SerializeToString()


def folded(deltas: Deltas, requests: Sequence[bytes]) -> list[Point]:
    return [
        step
        for body in requests
        for point in points(body)
        if (step := deltas.delta(point)) is not None
    ]


def total(steps: Sequence[Point]) -> float:
    return sum(s.piece.value for s in steps if isinstance(s.piece.value, int | float))


def cells(steps: Sequence[Point]) -> Counter[tuple[int, int]]:
    """Counts by bucket at the coarsest scale there is, and zeros."""
    counted: Counter[tuple[int, int]] = Counter()
    for step in steps:
        histogram = step.piece.value
        assert isinstance(histogram, Exponential)
        counted[0, 0] += histogram.zeros
        coarse = histogram.rescale(-10) if histogram.scale > -10 else histogram
        for sign, side in ((1, coarse.positive), (-1, coarse.negative)):
            for index, count in zip(*side.cells(), strict=True):
                counted[sign, int(index)] += int(count)
    return +counted


numbers = st.floats(-1e12, 1e12, allow_nan=False).map(lambda x: 0.0 if abs(x) < 1e-300 else x)


@given(st.lists(numbers, max_size=50), st.lists(st.floats(0, 1), max_size=50))
def test_what_is_decoded_is_what_was_encoded(values: list[float], shares: list[float]) -> None:
    sketches: dict[Key, Sketch] = {
        AGE: Numeric.of(np.array([*values, np.nan])),
        Key(MODEL, Role.CONFIDENCE): Probability.of(np.array(shares)),
    }
    window = Window(MODEL, BEGAN, BEGAN + SECOND, sketches, 0)
    bad: Counter[str] = Counter()
    found = list(points(window_metrics(window).SerializeToString(), bad))
    assert not bad
    assert all((BEGAN, BEGAN + SECOND) == (p.start, p.end) for p in found)
    histograms = {p.stream.location.part: p.value for p in found}
    numeric = sketches[AGE]
    assert isinstance(numeric, Numeric)
    for part, sent in ((Part.BODY, numeric.body), (Part.TAIL, numeric.tail)):
        if sent.count:
            got = histograms[part]
            assert isinstance(got, Exponential)
            assert (sent.scale, sent.zeros, sent.positive, sent.negative, sent.origin) == (
                got.scale,
                got.zeros,
                got.positive,
                got.negative,
                got.origin,
            )
            assert (sent.minimum, sent.maximum) == (got.minimum, got.maximum)
    if shares:
        assert sketches[Key(MODEL, Role.CONFIDENCE)] == histograms[Part.SHARES]


@given(
    st.lists(st.lists(numbers, max_size=30), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_cumulative_histograms_add_up_once_however_they_are_delivered(
    batches: list[list[float]], random: Any
) -> None:
    bodies = []
    for upto in range(1, len(batches) + 1):
        seen = [x for batch in batches[:upto] for x in batch]
        bodies.append(request(Exponential.of(seen), BEGAN, BEGAN + upto * SECOND))
    last = bodies[-1]
    repeated = bodies + bodies
    random.shuffle(repeated)
    steps = folded(Deltas(BEGAN), [*repeated, last])
    whole = Exponential.of([x for batch in batches for x in batch])
    expected = cells([Point(AGE, next(iter_pieces(whole)), 0, 1)])
    assert expected == cells(steps)


def iter_pieces(histogram: Exponential) -> Any:
    from otelml.sketch.parts import Piece

    yield Piece(Part.BODY, histogram)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_deltas_add_up_once_however_they_are_delivered(counts: list[int], random: Any) -> None:
    bodies = [
        request(n, BEGAN + i * SECOND, BEGAN + (i + 1) * SECOND, cumulative=False)
        for i, n in enumerate(counts)
    ]
    delivered = bodies + random.choices(bodies, k=len(bodies))
    random.shuffle(delivered)
    assert sum(counts) == total(folded(Deltas(BEGAN), delivered))


@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=5), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_restarts_add_up_in_any_order_within_them(lives: list[list[int]], random: Any) -> None:
    bodies, clock = [], BEGAN
    for counts in lives:
        start = clock
        for upto in range(1, len(counts) + 1):
            clock += SECOND
            bodies.append(request(sum(counts[:upto]), start, clock))
    delivered = [*bodies, *random.sample(bodies, len(bodies))]
    assert sum(map(sum, lives)) == total(folded(Deltas(BEGAN), delivered))
    backwards = folded(Deltas(BEGAN), bodies[::-1])
    assert sum(map(sum, lives)) == total(backwards)


def test_a_stream_older_than_the_processor_only_sets_its_mark() -> None:
    deltas = Deltas(BEGAN + 10 * SECOND)
    steps = folded(
        deltas,
        [request(1000, BEGAN, BEGAN + 20 * SECOND), request(1003, BEGAN, BEGAN + 30 * SECOND)],
    )
    assert [3] == [step.piece.value for step in steps]
    assert (BEGAN + 20 * SECOND, BEGAN + 30 * SECOND) == (steps[0].start, steps[0].end)


def test_a_stream_younger_than_the_processor_counts_whole() -> None:
    assert 7 == total(folded(Deltas(BEGAN), [request(7, BEGAN + 1, BEGAN + 2)]))


def test_an_unknown_start_contributes_nothing() -> None:
    for start in (0, BEGAN + SECOND):
        assert [] == folded(Deltas(BEGAN), [request(7, start, BEGAN + SECOND)])


def test_a_fallen_count_is_a_reset() -> None:
    bodies = [request(n, BEGAN, BEGAN + (i + 1) * SECOND) for i, n in enumerate((5, 8, 2, 3))]
    assert [5, 3, 2, 1] == [s.piece.value for s in folded(Deltas(BEGAN), bodies)]


def test_a_fallen_bucket_is_a_reset() -> None:
    first, second = Exponential.of([1.0, 2.0, 3.0]), Exponential.of([1.0, 1.0, 1.0, 1.0])
    steps = folded(
        Deltas(BEGAN),
        [request(first, BEGAN, BEGAN + SECOND), request(second, BEGAN, BEGAN + 2 * SECOND)],
    )
    assert [3, 4] == [getattr(step.piece.value, "count", 0) for step in steps]


def test_a_sum_that_may_fall_is_no_reset() -> None:
    bodies = [
        request(x, BEGAN, BEGAN + (i + 1) * SECOND, key=AGE, part=Part.SUM)
        for i, x in enumerate((5.0, -2.0, 1.0))
    ]
    assert [5.0, -7.0, 3.0] == [s.piece.value for s in folded(Deltas(BEGAN), bodies)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_two_readers_of_one_app_count_once(counts: list[int], random: Any) -> None:
    """One sends deltas, one cumulative points, of the same stream at the same times."""
    deltas, sent, steps = Deltas(BEGAN), 0, []
    for i, count in enumerate(counts):
        sent += count
        start, end = BEGAN + i * SECOND, BEGAN + (i + 1) * SECOND
        both = [request(count, start, end, cumulative=False), request(sent, BEGAN, end)]
        random.shuffle(both)
        steps += folded(deltas, both)
        assert sent == total(steps)
    assert {"temporality": len(counts)} == dict(deltas.dropped)


def test_an_app_that_restarts_with_another_temporality_counts_whole() -> None:
    """As its instance has no name of its own, the streams of both lives are the same."""
    lives = [
        request(5, BEGAN, BEGAN + 10 * SECOND),
        request(3, BEGAN + 20 * SECOND, BEGAN + 30 * SECOND, cumulative=False),
        request(2, BEGAN + 40 * SECOND, BEGAN + 50 * SECOND),
        request(4, BEGAN + 40 * SECOND, BEGAN + 60 * SECOND),
    ]
    deltas = Deltas(BEGAN)
    assert [5, 3, 2, 2] == [step.piece.value for step in folded(deltas, lives)]
    assert {} == dict(deltas.dropped)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_sum_that_is_no_number_is_counted_by_reason(value: float) -> None:
    bad: Counter[str] = Counter()
    assert [] == list(points(request(value, BEGAN, BEGAN + 1, key=AGE, part=Part.SUM), bad))
    assert {"not_finite": 1} == dict(bad)


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ({"ml.feature.pivot": "abc"}, "pivot"),
        ({"ml.feature.pivot": float("inf")}, "pivot"),
        ({"ml.feature.name": "x" * 100_000}, "attributes"),
    ],
)
def test_attributes_that_cannot_be_are_counted_by_reason(
    attribute: dict[str, Any], reason: str
) -> None:
    whole = ExportMetricsServiceRequest()
    whole.ParseFromString(request(2.0, BEGAN, BEGAN + 1, key=AGE, part=Part.SUM))
    metric = whole.resource_metrics[0].scope_metrics[0].metrics[0]
    kept = [a for a in metric.sum.data_points[0].attributes if a.key not in attribute]
    good = metric.sum.data_points.add()
    good.CopyFrom(metric.sum.data_points[0])
    del metric.sum.data_points[0].attributes[:]
    metric.sum.data_points[0].attributes.extend([*kept, *key_values(attribute)])
    bad: Counter[str] = Counter()
    assert [2.0] == [point.value for point in points(whole, bad)]
    assert {reason: 1} == dict(bad)


def test_a_counter_never_falls() -> None:
    bad: Counter[str] = Counter()
    total = request(-50.0, BEGAN, BEGAN + 1, key=AGE, part=Part.SUM)
    sent = [request(-50, BEGAN, BEGAN + 1), total]
    assert [-50.0] == [point.value for body in sent for point in points(body, bad)]
    assert {"negative": 1} == dict(bad)


def test_instances_are_streams_of_their_own() -> None:
    deltas = Deltas(BEGAN)
    bodies = [
        request(n, BEGAN, BEGAN + (i + 1) * SECOND, instance=name)
        for i, (n, name) in enumerate(((5, "a"), (50, "b"), (6, "a"), (52, "b")))
    ]
    assert 58 == total(folded(deltas, bodies))
    assert 2 == len(deltas)


def test_the_order_of_attributes_tells_no_streams_apart() -> None:
    body = request(5, BEGAN, BEGAN + SECOND)
    turned = ExportMetricsServiceRequest.FromString(body)
    point = turned.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]
    pairs = list(point.attributes)[::-1]
    del point.attributes[:]
    point.attributes.extend(pairs)
    assert 5 == total(folded(Deltas(BEGAN), [body, turned.SerializeToString()]))


def test_what_a_collector_adds_to_points_tells_no_series_apart() -> None:
    whole, point = _exponential(request(Exponential.of([1.0]), BEGAN, BEGAN + 1))
    point.attributes.extend(key_values({"host.name": "h", "replica": 3}))
    (found,) = points(whole.SerializeToString())
    assert AGE == found.stream.location.key


def test_state_goes_on_where_it_was() -> None:
    sums = (3, 5, 9, 4)
    bodies = [request(n, BEGAN, BEGAN + (i + 1) * SECOND) for i, n in enumerate(sums)]
    histograms = [request(Exponential.of([1.0] * n), BEGAN, BEGAN + n * SECOND) for n in (1, 2, 4)]
    loose = [request(n, BEGAN, BEGAN + n, cumulative=False, instance="d") for n in (1, 2, 4)]
    whole = Deltas(BEGAN)
    expected = folded(whole, [*bodies, *histograms, *loose])
    found, deltas = [], Deltas(BEGAN)
    for body in (*bodies, *histograms, *loose):
        found += folded(deltas, [body, body])
        deltas = Deltas.load(json.loads(json.dumps(deltas.dump())))
    assert [(s.key, s.start, s.end) for s in expected] == [(s.key, s.start, s.end) for s in found]
    assert whole.dump() == deltas.dump()


def test_extremes_that_still_bound_are_kept() -> None:
    lives = [[1.0, 10.0], [1.0, 10.0, 2.0, 9.99], [1.0, 10.0, 2.0, 9.99, 1.0, 10.0]]
    bodies = [
        request(Exponential.of(seen, most=8), BEGAN, BEGAN + (i + 1) * SECOND)
        for i, seen in enumerate(lives)
    ]
    last = folded(Deltas(BEGAN), bodies)[-1].piece.value
    assert isinstance(last, Exponential)
    assert (1.0, 10.0) == (last.minimum, last.maximum)
    middle = folded(Deltas(BEGAN), bodies[:2])[-1].piece.value
    assert isinstance(middle, Exponential)
    assert np.isnan(middle.minimum)


def test_idle_streams_are_forgotten_and_never_count_whole_again() -> None:
    deltas = Deltas(BEGAN)
    assert 5 == total(folded(deltas, [request(5, BEGAN, BEGAN + SECOND)]))
    assert 1 == deltas.forget(BEGAN + 100 * SECOND)
    again = [request(9, BEGAN, BEGAN + 200 * SECOND), request(11, BEGAN, BEGAN + 201 * SECOND)]
    assert 2 == total(folded(deltas, again))


def test_streams_are_bounded() -> None:
    deltas = Deltas(BEGAN, most=2)
    bodies = [request(1, BEGAN + 1, BEGAN + 2, instance=str(i)) for i in range(5)]
    assert 2 == total(folded(deltas, bodies))
    assert {"stream_limit": 3} == dict(deltas.dropped)


def _exponential(body: bytes) -> tuple[ExportMetricsServiceRequest, Any]:
    whole = ExportMetricsServiceRequest.FromString(body)
    metric = whole.resource_metrics[0].scope_metrics[0].metrics[0]
    return whole, metric.exponential_histogram.data_points[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: setattr(p, "flags", 1), "no_recorded_value"),
        (lambda p: setattr(p, "time_unix_nano", 0), "time"),
        (lambda p: setattr(p, "start_time_unix_nano", 2**62), "start_after_end"),
        (lambda p: setattr(p, "scale", 21), "scale"),
        (lambda p: setattr(p, "scale", -11), "scale"),
        (lambda p: setattr(p.positive, "offset", 2**31 - 1), "offset"),
        (lambda p: setattr(p.positive, "offset", -(2**31)), "offset"),
        (lambda p: setattr(p, "count", 9), "bucket_counts"),
        (lambda p: p.positive.bucket_counts.append(2**63), "bucket_counts"),
        (lambda p: p.positive.bucket_counts.extend([2**63, 2**63]), "bucket_counts"),
        (lambda p: setattr(p, "min", float("nan")), "extremes"),
        (lambda p: setattr(p, "min", -float("inf")), "extremes"),
        (lambda p: setattr(p, "max", float("inf")), "extremes"),
    ],
)
def test_bad_histograms_are_counted_by_reason(change: Any, reason: str) -> None:
    whole, point = _exponential(request(Exponential.of([1.0, 2.0]), BEGAN, BEGAN + SECOND))
    change(point)
    bad: Counter[str] = Counter()
    assert [] == list(points(whole, bad))
    assert {reason: 1} == dict(bad)


def test_what_is_not_ours_is_left_alone() -> None:
    whole = ExportMetricsServiceRequest()
    metric = whole.resource_metrics.add().scope_metrics.add().metrics.add(name="http.duration")
    metric.sum.data_points.add(as_double=float("nan"))
    bad: Counter[str] = Counter()
    assert [] == list(points(whole, bad))
    assert not bad


def test_windows_of_deltas_do_not_overlap() -> None:
    bodies = [request(n, BEGAN, BEGAN + n * SECOND) for n in range(1, 6)]
    steps = folded(Deltas(BEGAN), bodies)
    assert all(one.end == other.start for one, other in pairwise(steps))


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(body: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        list(points(b"\x0a\x80\x01" + body))
        list(points(body))
    except DecodeError:
        pass


@pytest.mark.parametrize("place", [b"shop", b"the unit", b"app.log", b"bert"])
def test_text_that_is_not_utf8_costs_no_request(place: bytes) -> None:
    whole = ExportMetricsServiceRequest.FromString(request(3, BEGAN, BEGAN + 1, cumulative=False))
    metric = whole.resource_metrics[0].scope_metrics[0].metrics[0]
    more = metric.sum.data_points[0].attributes.add(key="ml.framework.name")
    more.value.string_value = "bert"
    foreign = whole.resource_metrics[0].scope_metrics[0].metrics.add(name="f", unit="the unit")
    point = foreign.gauge.data_points.add(as_int=1)
    point.attributes.add(key="file").value.string_value = "app.log"
    point.exemplars.add().filtered_attributes.add(key="file").value.string_value = "app.log"
    body = whole.SerializeToString().replace(place, b"\xff" * len(place))
    bad: Counter[str] = Counter()
    assert [3] == [point.value for point in points(body, bad)]
    assert not bad


@pytest.mark.parametrize("count", [2**53, 2**63 - 1])
def test_a_count_that_cannot_be_costs_no_window(count: int) -> None:
    bad: Counter[str] = Counter()
    assert [] == list(points(request(count, BEGAN, BEGAN + 1), bad))
    assert {"too_large": 1} == bad


@pytest.mark.parametrize("scale", [-10, -9, -1, 0, 3, 20])
@pytest.mark.parametrize("number", [5e-324, np.finfo(float).max])
def test_buckets_beyond_all_numbers_are_refused(number: float, scale: int) -> None:
    held = Exponential.of([number, -number]).rescale(scale)
    bad: Counter[str] = Counter()
    assert 1 == len([*points(request(held, BEGAN, BEGAN + 1), bad)])
    body = ExportMetricsServiceRequest.FromString(request(held, BEGAN, BEGAN + 1))
    metric = body.resource_metrics[0].scope_metrics[0].metrics[0]
    side = metric.exponential_histogram.data_points[0].negative
    side.offset += (1 if number > 1 else -1) * max(2, 2 * 2**scale)
    assert [] == [*points(body.SerializeToString(), bad)]
    assert {"offset": 1} == bad


@pytest.mark.parametrize("processes", [17, 100, 257])
def test_processes_that_nothing_tells_apart_all_count(processes: int) -> None:
    """Older SDKs give no `service.instance.id`, and some Collectors take it away."""
    deltas, counted = Deltas(0), 0.0
    for minute in range(1, 5):
        for process in range(processes):
            end = BEGAN + 60 * minute * SECOND + process
            (point,) = points(request(minute, BEGAN + process, end, instance=""))
            if (step := deltas.delta(point)) is not None:
                assert isinstance(step.piece.value, int)
                counted += step.piece.value
    told = deltas.dropped["process_limit"]
    assert bool(told) is (processes > 256)
    assert told or 4 * processes == counted


def test_a_process_that_restarts_for_ever_leaves_little() -> None:
    deltas, counted = Deltas(0), 0.0
    for minute in range(500):
        start = BEGAN + 60 * minute * SECOND
        (point,) = points(request(1, start, start + SECOND))
        if (step := deltas.delta(point)) is not None:
            assert isinstance(step.piece.value, int)
            counted += step.piece.value
    assert 500 == counted
    ((_, marks, *_),) = deltas.dump()["trails"]
    assert len(marks) <= 62
