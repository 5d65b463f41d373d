"""The service: starts everything, ticks, and stops in order."""

import asyncio
import logging
import signal as signals
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError

from otelml.processor import config, labels_http, otlp_grpc
from otelml.processor.assess import Assessor
from otelml.processor.evaluator import Evaluator
from otelml.processor.exporters import Exporter, exporter
from otelml.processor.library import Library
from otelml.processor.otlp_http import HttpServer, application, health
from otelml.processor.outbox import Outbox
from otelml.processor.pipeline import Pipeline, Route
from otelml.processor.refusal import RefusalError
from otelml.processor.signals import Signal
from otelml.processor.teller import WEBHOOK, Teller
from otelml.processor.truths import Truths
from otelml.processor.watch import Watch
from otelml.processor.webhook import Webhook
from otelml.store.database import Database, StoreError
from otelml.store.joins import Joins
from otelml.store.journal import Journal

_LOG: Final = logging.getLogger(__name__)
_TICK: Final = 0.5
_SWEEP: Final = 60.0
_MOST_POSTED: Final = 1000
_DRAIN: Final = 3.0
_LAST: Final = 2.0
_CONNECTIONS: Final = 2048


class Service:
    """One processor."""

    def __init__(self, settings: config.Config) -> None:
        self._settings = settings
        given = next(iter(settings.processors.values()), config.Processor())
        self._rules = given
        self._started = time.time_ns()
        self._database = Database(settings.extensions.storage.url)
        self._journal = Journal(self._database)
        self._watch = Watch(given, self._started)
        self._library = Library(given.baselines.directory)
        rules = given.labels
        self._joins = Joins(
            self._database,
            rules.expire_after,
            rules.max_predictions,
            given.performance.window,
        )
        self._assessor = Assessor(
            given,
            self._watch.checks,
            self._joins,
            self._library,
            self._watch.concepts,
            self._watch.dropped,
        )
        self._truths = Truths(self._joins, self._library.classes, forward=rules.forward_records)
        self._exporters: dict[str, Exporter] = {}
        self._outboxes: dict[str, Outbox] = {}
        self._routes = _routes(settings)
        self._teller = Teller(given, self._routes, self._watch, self._truths, self._outboxes)
        self._evaluator = Evaluator(
            self._watch,
            self._library,
            self._assessor,
            self._teller,
            self._journal,
            self._outboxes,
        )
        self._stop = asyncio.Event()
        self.ports: dict[str, int] = {}

    async def run(self, ready: Callable[["Service"], None] = lambda _: None) -> None:
        """Serve until told to stop.

        Raises:
            OSError: an address cannot be had.
            StoreError: the state cannot be read, or another processor took it over.

        """
        for name, given in self._settings.exporters.items():
            self._exporters[name] = exporter(given)
            self._outboxes[name] = Outbox(
                name, self._exporters[name], self._journal, given.queue_size, given.patience
            )
        if (hook := self._rules.retraining.webhook) is not None:
            post = self._exporters[WEBHOOK] = Webhook(hook.url, hook.secret, hook.timeout)
            self._outboxes[WEBHOOK] = Outbox(WEBHOOK, post, self._journal, _MOST_POSTED)
        pipeline = Pipeline(self._routes, self._exporters, self._watch, self._journal, self._truths)
        await self._restore(pipeline)
        try:
            grpcs, https = self._servers(pipeline)
        except OSError as error:
            raise OSError(f"{error}: choose another address, or end what listens there") from error
        for line in self._library.refresh():
            _LOG.info("%s", line)
        for outbox in self._outboxes.values():
            outbox.start()
        for server in grpcs:
            await server.start()
        for http in https:
            await http.start()
        self._on_signals()
        self._watch.listens(time.time_ns())
        ticking = asyncio.gather(self._tick(), self._sweep(), self._repeat())
        _LOG.info("serving %s", ", ".join(f"{n} on port {p}" for n, p in self.ports.items()))
        ready(self)
        await self._stop.wait()
        await self._shut(pipeline, grpcs, https, ticking)
        if self._journal.lost is not None:
            raise self._journal.lost

    def stop(self) -> None:
        """Drain and stop."""
        self._stop.set()

    async def _restore(self, pipeline: Pipeline) -> None:
        state, number = self._journal.state()
        if state is not None:
            now = time.time_ns()
            try:
                self._watch.load(state, number)
                self._teller.latest.load(self._journal.repeated(now), now)
            except (ValueError, KeyError, TypeError, DecodeError) as error:
                raise StoreError(
                    f"the state cannot be understood ({error}): move it away"
                ) from error
        else:
            await self._journal.snapshot(self._watch.dump(), 0)
        count = pipeline.replay()
        if count:
            _LOG.info("replayed %d requests that were accepted before the last stop", count)
        for name, letters in (await self._journal.abandon(self._outboxes)).items():
            self._watch.dropped["outbox"] += letters
            _LOG.warning("%r is configured no more: %d findings for it are lost", name, letters)

    def _servers(self, pipeline: Pipeline) -> tuple[list[Any], list[HttpServer]]:
        grpcs, https = [], []
        received: dict[str, dict[Signal, None]] = {}
        for signal in self._routes:
            for name in getattr(self._settings.service.pipelines, signal).receivers:
                received.setdefault(name, {})[signal] = None
        for name, kinds in sorted(received.items()):
            protocols = self._settings.receivers[name].protocols
            if protocols.grpc is not None:
                server, port = otlp_grpc.server(protocols.grpc, pipeline, kinds)
                grpcs.append(server)
                self.ports[f"{name}/grpc"] = port
            if protocols.http is not None:
                labels = labels_http.route(protocols.http, self._rules.labels.token, self._truths)
                app = application(protocols.http, pipeline, kinds, [labels])
                settings = protocols.http
                http = HttpServer(app, settings.endpoint, _CONNECTIONS, settings.read_timeout)
                https.append(http)
                self.ports[f"{name}/http"] = http.port
        if self._settings.extensions.health is not None:
            page = HttpServer(health(pipeline), self._settings.extensions.health.endpoint)
            https.append(page)
            self.ports["health"] = page.port
        return grpcs, https

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signals.SIGTERM, signals.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def _shut(
        self, pipeline: Pipeline, grpcs: list[Any], https: list[HttpServer], ticking: Any
    ) -> None:
        _LOG.info("draining")
        await pipeline.drain(_DRAIN)
        for server in grpcs:
            await server.stop(1.0)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        try:
            await self._evaluator.finish(time.time_ns(), _LAST)
            for outbox in self._outboxes.values():
                await outbox.stop()
            async with asyncio.timeout(2.0):
                await asyncio.gather(*(outbox.flush() for outbox in self._outboxes.values()))
        except TimeoutError:
            _LOG.info("findings that were not taken are kept for the next start")
        except StoreError as error:
            _LOG.error("%s", error)
        await asyncio.gather(*(http.stop() for http in https))
        for one in self._exporters.values():
            await one.close()
        self._journal.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            try:
                for line in self._library.refresh():
                    _LOG.info("%s", line)
                await self._evaluator.evaluate(time.time_ns())
            except StoreError as error:
                _LOG.error("%s", error)
            except Exception:  # noqa: BLE001 - one bad request or window must not end the service
                _LOG.exception("an evaluation failed")
            if self._journal.lost is not None:
                self.stop()

    async def _sweep(self) -> None:
        """Now and then let go of labels and predictions that waited too long.

        Beside the ticks, so that a long backlog holds up none.
        """
        while True:
            try:
                await self._truths.sweep(time.time_ns())
            except StoreError as error:
                _LOG.error("%s", error)
            except Exception:  # noqa: BLE001 - the next may go well
                _LOG.exception("labels could not be swept")
            await asyncio.sleep(max(_TICK, min(_SWEEP, self._rules.labels.expire_after)))

    async def _repeat(self) -> None:
        """Send the latest gauges again, now and then: a Prometheus exporter forgets what is not.

        Beside the ticks, so that a backend that does not answer holds up none.
        """
        route = self._routes.get(Signal.METRICS)
        while route is not None:
            await asyncio.sleep(self._rules.repeat)
            try:
                bodies = self._teller.again(time.time_ns())
                await asyncio.gather(*(self._sent_again(name, bodies) for name in route.exporters))
            except Exception:  # noqa: BLE001 - the next may go well
                _LOG.exception("gauges could not be sent again")

    async def _sent_again(self, name: str, bodies: Iterable[bytes]) -> None:
        for body in bodies:
            try:
                await self._exporters[name].send(Signal.METRICS, body)
            except RefusalError as refusal:
                _LOG.warning("%s does not take gauges: %s", name, refusal.message)
                if refusal.retryable:  # nor would it take the others now
                    return


def _routes(settings: config.Config) -> dict[Signal, Route]:
    routes = {}
    for signal in Signal:
        way = getattr(settings.service.pipelines, signal)
        if way is not None:
            watched = [settings.processors[name] for name in way.processors]
            forward = all(one.forward for one in watched)
            routes[signal] = Route(tuple(dict.fromkeys(way.exporters)), bool(watched), forward)
    return routes
