"""A stream of predictions and labels, and a client that sends each until it is acknowledged.

Deliveries are those of `joining_process`: what is in one follows from its number alone.
"""

import asyncio
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from otelml import names
from otelml.data import Model, Owner, Prediction, Truth
from otelml.wire.rows import columns
from tests.e2e.joining_process import OWNERS, SECOND, delivery

WINDOW = 1200
"""Seconds; a row is predicted in each."""

FIRST = 1_699_999_200
"""When the first row was predicted, in seconds: a window starts there."""

AT_ONCE = 4
AGAIN = 0.1
"""Share of requests that are sent again although they were acknowledged."""

Confusions = dict[tuple[Owner, int], Counter[tuple[str, str]]]


class Request(NamedTuple):
    """One request; labels are JSON, events protobuf."""

    path: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        if self.path == "/v1/labels":
            return {"content-type": "application/json"}
        return {"content-type": "application/x-protobuf", "content-encoding": "gzip"}


class Sdk:
    """What the SDK's OTLP/HTTP exporter sends of events."""

    def __init__(self) -> None:
        self._memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        of = {"service.name": OWNERS[0].service, "deployment.environment.name": "prod"}
        provider = LoggerProvider(Resource(of), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(self._memory))
        self._logger = provider.get_logger("otelml")

    def request(self, events: Iterator[tuple[str, int, dict[str, Any]]]) -> Request:
        """Events, each a name, a time in nanoseconds and attributes."""
        for name, time, attributes in events:
            self._logger.emit(LogRecord(timestamp=time, attributes=attributes, event_name=name))
        body = encode_logs(self._memory.get_finished_logs()).SerializeToString()
        self._memory.clear()
        return Request("/v1/logs", gzip.compress(body))


def content(number: int) -> tuple[list[tuple[Owner, Prediction]], list[Truth]]:
    """The same delivery, at a time of today's."""
    predictions, truths = delivery(number)
    later = FIRST * SECOND
    return (
        [(owner, one._replace(time=one.time + later)) for owner, one in predictions],
        [truth._replace(time=truth.time + later) for truth in truths],
    )


def requests(sdk: Sdk, number: int) -> list[Request]:
    """A delivery's predictions, and its labels half as events and half as JSON."""
    predictions, truths = content(number)
    half = len(truths) // 2
    posted = [{"id": t.id, "label": t.label, "time": t.time // SECOND} for t in truths[:half]]
    found = [
        sdk.request(_predicted(predictions)),
        sdk.request(_labelled(truths[half:])),
        Request("/v1/labels", json.dumps(posted).encode()),
    ]
    random.Random(number).shuffle(found)
    return found


def _predicted(
    predictions: list[tuple[Owner, Prediction]],
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for owner in OWNERS:
        rows = [one for of, one in predictions if of == owner]
        model = Model(owner.model, owner.version)
        yield names.RECORDS_EVENT, rows[-1].time, columns(model, rows)


def _labelled(truths: list[Truth]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for truth in truths:
        attributes = {names.INFERENCE_ID: truth.id, names.TRUTH_CLASS: truth.label}
        yield names.TRUTH_EVENT, truth.time, attributes


def expected(end: int) -> Confusions:
    """What the deliveries before `end` come to, by owner and start of the window in seconds."""
    predicted: dict[tuple[Owner, str], Prediction] = {}
    truths: dict[str, Truth] = {}
    for number in range(end):
        predictions, labels = content(number)
        predicted |= {(owner, one.id): one for owner, one in predictions}
        truths |= {truth.id: truth for truth in labels}  # those of later deliveries are later
    found: Confusions = defaultdict(Counter)
    for (owner, name), one in predicted.items():
        if name in truths:
            start = one.time // SECOND // WINDOW * WINDOW
            found[owner, start][str(one.label), str(truths[name].label)] += 1
    return dict(found)


class Client:
    """Sends delivery after delivery, several at a time, until it is told to end."""

    def __init__(self, url: str) -> None:
        self._url, self._sdk = url, Sdk()
        self._chance = random.Random(0)
        self._next, self._least = 0, 0
        self._ending = False
        self.acknowledged = self.refused = self.broken = 0

    async def run(self, every: int) -> int:
        """Send until told to end and a multiple of `every` is sent; how many these are."""
        limits = httpx.Limits(max_connections=2 * AT_ONCE)
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=60, limits=limits) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(AT_ONCE):
                tasks.create_task(self._send(http, every))
        return self._next

    def end(self) -> None:
        """Come to an end."""
        self._ending = True

    async def _send(self, http: httpx.AsyncClient, every: int) -> None:
        while not (self._ending and self._next and self._next % every == 0):
            number, self._next = self._next, self._next + 1
            for request in requests(self._sdk, number):
                await self._until_acknowledged(http, request)
                if self._chance.random() < AGAIN:
                    await self._until_acknowledged(http, request)

    async def _until_acknowledged(self, http: httpx.AsyncClient, request: Request) -> None:
        while True:
            try:
                answer = await http.post(
                    request.path, content=request.body, headers=request.headers
                )
            except httpx.TransportError:
                self.broken += 1
            else:
                if answer.status_code == 200:
                    _whole(request, answer)
                    self.acknowledged += 1
                    return
                assert 503 == answer.status_code, answer.text
                self.refused += 1
            await asyncio.sleep(0.05)


def _whole(request: Request, answer: httpx.Response) -> None:
    """Nothing of it was left out."""
    if request.path == "/v1/labels":
        assert [] == answer.json()["refused"]
    else:
        told = ExportLogsServiceResponse.FromString(answer.content)
        assert not told.HasField("partial_success"), told
