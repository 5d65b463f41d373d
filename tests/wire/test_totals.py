"""Cumulative streams of what came in, a drain after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from otelml.data import Key, Model, Role, Series
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from otelml.wire.sdk import Bridge
from otelml.wire.totals import Total

KEY = Key(Model("m"), Role.FEATURE, "job")
CALLS = Key(Model("m"), Role.DURATION, "predict")
SLOW, FAST = [1.0], np.linspace(1e-4, 1.1e-4, 50).tolist()


@contextmanager
def bridged(
    series: list[Series], temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE
) -> Iterator[InMemoryMetricReader]:
    """A reader to which series are added that are put into the list."""

    def drain() -> list[Series]:
        found = [*series]
        series.clear()
        return found

    reader = InMemoryMetricReader({Histogram: temporality})
    bridge = Bridge(drain, "0")
    provider = MeterProvider([reader], shutdown_on_exit=False)
    bridge.attach(provider)
    yield reader
    bridge.detach()
    provider.shutdown()


def durations(reader: InMemoryMetricReader) -> Any:
    data: Any = reader.get_metrics_data()
    ((metric,),) = (s.metrics for r in data.resource_metrics for s in r.scope_metrics)
    (point,) = metric.data.data_points
    return point


def test_no_category_has_a_name_if_none_may() -> None:
    total = Total(Series(KEY, 0, 1, Categories.of(["a", "b"])), 0)
    total.add(Series(KEY, 1, 2, Categories.of(["a", None])))
    assert Categories({}, 3, 1) == total.shown()
    assert (0, 2) == (total.start, total.end)


def test_a_slow_call_stays_in_the_sum() -> None:
    with bridged([Series(CALLS, 0, 1, Numeric.of(SLOW + FAST))]) as reader:
        point = durations(reader)
    assert (51, 1.0) == (point.count, point.max)
    assert sum(SLOW + FAST) == pytest.approx(point.sum)


def test_a_slow_call_stays_in_the_count() -> None:
    series = [Series(CALLS, 0, 1, Numeric.of(SLOW))]
    with bridged(series) as reader:
        durations(reader)
        series.append(Series(CALLS, 1, 2, Numeric.of(FAST)))
        point = durations(reader)
    assert (51, 1.0) == (point.count, point.max)


def test_deltas_do_not_overlap() -> None:
    series = [Series(CALLS, 0, 1, Numeric.of(SLOW))]
    with bridged(series, AggregationTemporality.DELTA) as reader:
        first = durations(reader)
        series.append(Series(CALLS, 1, 2, Numeric.of(FAST)))
        second = durations(reader)
    assert [(0, 1), (1, 2)] == [(p.start_time_unix_nano, p.time_unix_nano) for p in (first, second)]
