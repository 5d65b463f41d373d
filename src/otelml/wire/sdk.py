"""Series into the app's own metric readers: the one bridge into the OpenTelemetry SDK.

The SDK has no seam for points that are aggregated already, so what a reader collects is added to,
where readers collect: `SynchronousMeasurementConsumer.collect`. Readers of a provider that stood
before hold that method bound, and are given it anew. Each reader gets the temporality it prefers.
"""

import atexit
import logging
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics._internal import point as sdk
from opentelemetry.sdk.metrics._internal.instrument import _Counter, _Histogram, _UpDownCounter
from opentelemetry.sdk.metrics._internal.measurement_consumer import (
    SynchronousMeasurementConsumer,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otelml import names
from otelml.data import Key, Series, Sketch
from otelml.sketch.buckets import Buckets
from otelml.sketch.exponential import Exponential
from otelml.sketch.kind import as_kind
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Part, explode
from otelml.sketch.probability import BOUNDS, Probability
from otelml.wire.explicit import Explicit
from otelml.wire.points import address
from otelml.wire.totals import Total

_logger = logging.getLogger(__name__)
_DELTA: Final = AggregationTemporality.DELTA
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_INSTRUMENTS: Final = MappingProxyType(
    {
        names.Kind.COUNTER: _Counter,
        names.Kind.UP_DOWN_COUNTER: _UpDownCounter,
        names.Kind.HISTOGRAM: _Histogram,
        names.Kind.EXPONENTIAL_HISTOGRAM: _Histogram,
    }
)


class Bridge:
    """Hands what `drain` yields to every reader of the app's meter provider."""

    def __init__(self, drain: Callable[[], list[Series]], version: str, most: int = 64) -> None:
        self._drain, self._most = drain, most
        self._scope = InstrumentationScope("otelml", version)
        self._original: Callable[..., Any] | None = None
        self._provider: MeterProvider | None = None
        self._found = False
        self.forget()

    def forget(self) -> None:
        """Start empty, as a child must after a fork."""
        self._lock = threading.RLock()
        self._totals: dict[Key, Total] = {}
        self._explicit: dict[Key, Explicit] = {}
        self._start = time.time_ns()
        self._pending: weakref.WeakKeyDictionary[MetricReader, dict[Key, Series]] = (
            weakref.WeakKeyDictionary()
        )

    def attach(self, provider: object = None) -> None:
        """Begin to add to what readers collect: of `provider`, or else of the global one."""
        if isinstance(provider, MeterProvider):
            self._provider = provider
        if self._original is None:
            original = self._original = SynchronousMeasurementConsumer.collect

            def collect(
                consumer: Any, metric_reader: MetricReader, *args: Any, **kwargs: Any
            ) -> Any:
                result = original(consumer, metric_reader, *args, **kwargs)
                return self._added(consumer, metric_reader, result)

            SynchronousMeasurementConsumer.collect = collect  # type: ignore[assignment,method-assign]
            self._end_before_loggers()
        self._rebind()

    def detach(self) -> None:
        """Undo `attach`."""
        if self._original is not None:
            SynchronousMeasurementConsumer.collect = self._original  # type: ignore[method-assign]
            self._original = None
            self._rebind()
        self._provider, self._found = None, False

    def serving(self) -> bool:
        """Whether there is an SDK whose readers take what is recorded."""
        if not self._found and self.provider() is not None:  # once there is one, it stays
            self._found = True
            self._rebind()  # its readers may be older than our method
        return self._found

    def provider(self) -> MeterProvider | None:
        """The SDK's meter provider whose readers are added to, if there is one."""
        provider = self._provider or metrics.get_meter_provider()
        if not isinstance(provider, MeterProvider) or provider._disabled:
            return None
        return provider

    def _end_before_loggers(self) -> None:
        """Have readers export for the last time before the SDK waits for its loggers at exit.

        Predicted rows, which go as logs, leave meanwhile: a dead Collector delays the exit once.
        """
        provider = self.provider()
        if provider is not None and provider._atexit_handler is not None:
            atexit.unregister(provider.shutdown)
            atexit.register(provider.shutdown)  # exit handlers run in the opposite order

    def _rebind(self) -> None:
        """Give readers that hold the consumer's method bound the one that is in force."""
        if provider := self.provider():
            consumer = provider._measurement_consumer
            for reader in [*consumer._reader_storages]:
                reader._set_collect_callback(consumer.collect)  # type: ignore[arg-type]

    def _added(self, consumer: Any, reader: MetricReader, result: Any) -> Any:
        """What the reader collected, with ours; without it if ours fails."""
        try:
            served = self.provider()
            if served is None or served._measurement_consumer is not consumer:
                return result
            with self._lock, np.errstate(all="ignore"):  # the app's own may be to raise
                self._fold([*consumer._reader_storages])
                ours = self._metrics(reader)
            if not ours:
                return result
            scope = sdk.ScopeMetrics(self._scope, ours, "")
            first, *rest = result.resource_metrics if result else [None]
            if first is None:
                resource = consumer._sdk_config.resource
                return sdk.MetricsData([sdk.ResourceMetrics(resource, [scope], "")])
            scopes = [*first.scope_metrics, scope]
            joined = sdk.ResourceMetrics(first.resource, scopes, first.schema_url)
            return sdk.MetricsData([joined, *rest])
        except Exception:
            _logger.exception("otelml could not add its metrics to the app's, which are complete")
            return result

    def _fold(self, readers: list[MetricReader]) -> None:
        """Drain, and credit every reader with what came."""
        for reader in readers:
            if _DELTA in reader._instrument_class_temporality.values():
                self._pending.setdefault(reader, {})
        explicit = any(map(_is_prometheus, readers))
        for series in self._drain():
            key, sketch = series.key, series.sketch
            if total := self._totals.get(key):
                total.add(series)
            else:
                self._totals[key] = Total(series, self._most)
            if explicit and isinstance(sketch, Numeric) and sketch.count:
                if key not in self._explicit:
                    self._explicit[key] = Explicit(key.role, sketch)
                self._explicit[key].add(sketch)
            for pending in self._pending.values():
                held = pending.get(key)
                pending[key] = series if held is None else _joined(held, series)

    def _metrics(self, reader: MetricReader) -> list[sdk.Metric]:
        """The points of one reader, as it prefers them."""
        now = time.time_ns()
        preferred = reader._instrument_class_temporality
        prometheus = _is_prometheus(reader)
        points: dict[str, list[Any]] = defaultdict(list)

        def add(
            key: Key, sketch: Sketch, start: int, end: int, temporality: AggregationTemporality
        ) -> None:
            if isinstance(sketch, Numeric) and not key.role.is_column:
                whole = sketch.body.merge(sketch.tail)  # of calls, backends know one histogram
                sketch = Numeric(whole, Exponential.empty(), sketch.moments)
            total = _sum(sketch)
            for piece in explode(sketch, self._totals[key].pivot):
                origin = getattr(piece.value, "origin", 0.0)
                found = address(key, piece.part, piece.label, origin)
                if found is None or (prometheus and piece.part in (Part.BODY, Part.TAIL)):
                    continue
                if preferred[_INSTRUMENTS[names.METRICS[found.metric].kind]] is temporality:
                    point = _point(piece.value, found.attributes, start, end, total)
                    points[found.metric].append(point)

        if _CUMULATIVE in preferred.values():
            for key, total in self._totals.items():
                add(key, total.shown(), total.start, now, _CUMULATIVE)
        for key, series in self._pending.pop(reader, {}).items():
            sketch = series.sketch
            shown = sketch.capped(self._most) if hasattr(sketch, "capped") else sketch
            add(key, shown, series.start, series.end, _DELTA)  # where the next begins
        if prometheus:
            for key, explicit in self._explicit.items():
                if found := address(key, Part.BODY):
                    point = _explicit_point(explicit, found.attributes, self._start, now)
                    points[found.metric].append(point)
        return [_metric(name, held, preferred) for name, held in points.items()]


def _joined(held: Series, series: Series) -> Series:
    known = as_kind(held.sketch, type(series.sketch))  # on few values or none, it was a guess
    sketch = known.merge(series.sketch)  # type: ignore[arg-type]
    return Series(held.key, held.start, series.end, sketch)


def _is_prometheus(reader: MetricReader) -> bool:
    """Whether it is the SDK's Prometheus reader, which fails on exponential points."""
    return any(cls.__name__ == "PrometheusMetricReader" for cls in type(reader).__mro__)


def _metric(name: str, points: list[Any], preferred: Any) -> sdk.Metric:
    row = names.METRICS[name]
    temporality = preferred[_INSTRUMENTS[row.kind]]
    data: Any
    if row.kind is names.Kind.COUNTER or row.kind is names.Kind.UP_DOWN_COUNTER:
        data = sdk.Sum(points, temporality, is_monotonic=row.kind is names.Kind.COUNTER)
    elif isinstance(points[0], sdk.ExponentialHistogramDataPoint):
        data = sdk.ExponentialHistogram(points, temporality)
    else:
        data = sdk.Histogram(points, temporality)
    return sdk.Metric(name, row.description, row.unit, data)


def _sum(sketch: Sketch) -> float | None:
    """Sum of a column's values for its histogram, which only non-negative ones may have."""
    if not isinstance(sketch, Numeric) or sketch.minimum < 0 or sketch.tail.count:
        return None
    return sketch.moments.about(0.0)[0] if sketch.moments.count == sketch.count else None


def _point(
    value: Any, attributes: dict[str, Any], start: int, end: int, total: float | None
) -> Any:
    match value:
        case Exponential():
            return sdk.ExponentialHistogramDataPoint(
                attributes,
                start,
                end,
                value.count,
                None if _is_part(attributes) else total,  # type: ignore[arg-type]
                value.scale,
                value.zeros,
                _buckets(value.positive),
                _buckets(value.negative),
                0,
                value.minimum,
                value.maximum,
            )
        case Probability():
            counts = value.counts.tolist()
            known = [None, None]  # extremes are not kept
            return sdk.HistogramDataPoint(
                attributes,
                start,
                end,
                value.count,
                value.sum,
                counts,
                BOUNDS.tolist(),
                *known,  # type: ignore[arg-type]
            )
        case _:
            return sdk.NumberDataPoint(attributes, start, end, value)


def _is_part(attributes: dict[str, Any]) -> bool:
    return names.DISTRIBUTION_PART in attributes


def _explicit_point(value: Explicit, attributes: dict[str, Any], start: int, end: int) -> Any:
    return sdk.HistogramDataPoint(
        attributes,
        start,
        end,
        int(value.counts.sum()),
        value.total,
        value.counts.tolist(),
        value.bounds.tolist(),
        value.minimum,
        value.maximum,
    )


def _buckets(buckets: Buckets) -> sdk.Buckets:
    return sdk.Buckets(buckets.offset, buckets.counts.tolist())
