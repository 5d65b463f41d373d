"""A webhook is signed, sent until it is taken, and given up where it never will be."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelml.processor import webhook
from otelml.processor.config.processors import Hook
from otelml.processor.otlp_http import HttpServer
from otelml.processor.outbox import Outbox
from otelml.processor.refusal import RefusalError
from otelml.processor.signals import Signal
from otelml.processor.webhook import Webhook
from otelml.store.journal import Journal, Letter

SECRET = "a-secret-that-is-long"
Eventually = Callable[..., Awaitable[None]]


@dataclass
class Receiver:
    """An HTTP server that keeps what it gets; it answers with `statuses`, then with 204."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[float, dict[str, str], bytes]] = field(default_factory=list)
    hang: asyncio.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/t0ken"

    @property
    def ids(self) -> list[str]:
        return [headers["idempotency-key"] for _, headers, _ in self.received]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    kept = Receiver()

    async def take(request: Request) -> Response:
        body = await request.body()
        kept.received.append((time.monotonic(), dict(request.headers), body))
        if kept.hang is not None:
            await kept.hang.wait()
        return Response(b"", kept.statuses.pop(0) if kept.statuses else 204, kept.headers)

    server = HttpServer(
        Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])]), "127.0.0.1:0"
    )
    await server.start()
    kept.port = server.port
    yield kept
    if kept.hang is not None:
        kept.hang.set()
    await server.stop()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = Journal(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()


async def keep(journal: Journal, *bodies: bytes) -> None:
    await journal.snapshot(b"{}", 0, [Letter("webhook", Signal.LOGS, body) for body in bodies])


async def test_an_event_is_posted_and_signed(receiver: Receiver) -> None:
    out = Webhook(receiver.url, SECRET)
    body = webhook.body("retraining.recommended", {"model": "fraud", "evidence": [{"value": 0.5}]})
    before = int(time.time())
    await out.send(Signal.LOGS, body)
    _, headers, received = receiver.received[0]
    told = json.loads(received)
    assert ("retraining.recommended", "fraud") == (told["event"], told["model"])
    assert "application/json" == headers["content-type"]
    assert told["id"] == headers["idempotency-key"]
    timestamp = headers["x-otelml-timestamp"]
    assert before <= int(timestamp) <= time.time()
    signed = hmac.new(SECRET.encode(), timestamp.encode() + b"." + received, hashlib.sha256)
    assert f"sha256={signed.hexdigest()}" == headers["x-otelml-signature"]
    await out.close()


def test_every_event_has_an_id_of_its_own() -> None:
    one, other = (json.loads(webhook.body("event", {"model": "m"})) for _ in range(2))
    assert one["id"] != other["id"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_it_is_sent_again_until_it_is_taken(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status, status]
    out = Webhook(receiver.url, SECRET)
    await out.send(Signal.LOGS, webhook.body("event", {}))
    assert 3 == len(receiver.received)
    assert 1 == len(set(receiver.ids))
    await out.close()


async def test_the_receiver_says_when_to_come_again(receiver: Receiver) -> None:
    receiver.statuses, receiver.headers = [503], {"retry-after": "1"}
    out = Webhook(receiver.url, SECRET)
    await out.send(Signal.LOGS, webhook.body("event", {}))
    first, second = (at for at, _, _ in receiver.received)
    assert second - first >= 1
    await out.close()


def test_tries_are_further_and_further_apart() -> None:
    delays = [[webhook._delay(number, None) for _ in range(200)] for number in range(10)]
    for number, some in enumerate(delays):
        longest = min(0.5 * 2**number, 30)
        assert longest / 2 <= min(some) < max(some) <= longest
    assert 7 == webhook._delay(0, 7)
    assert 300 == webhook._delay(0, 1e9)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 422])
async def test_what_the_receiver_will_have_none_of_is_given_up(
    receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    out = Webhook(receiver.url, SECRET)
    with pytest.raises(RefusalError, match=f"127.0.0.1:{receiver.port} answered {status}") as told:
        await out.send(Signal.LOGS, webhook.body("event", {}))
    assert not told.value.retryable
    assert 1 == len(receiver.received)
    await out.close()


async def test_no_other_place_is_told(receiver: Receiver) -> None:
    receiver.statuses, receiver.headers = [307], {"location": "/elsewhere"}
    out = Webhook(receiver.url, SECRET)
    with pytest.raises(RefusalError, match="answered 307"):
        await out.send(Signal.LOGS, webhook.body("event", {}))
    assert 1 == len(receiver.received)
    await out.close()


async def test_a_receiver_that_answers_for_ever_may_be_retried() -> None:
    gone = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"a: b\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        gone.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    out = Webhook(f"http://127.0.0.1:{port}", SECRET, timeout=0.2, retries=0)
    async with asyncio.timeout(20):
        with pytest.raises(RefusalError, match="does not answer: TimeoutError"):
            await out.send(Signal.LOGS, webhook.body("event", {}))
        await gone.wait()
    await out.close()
    server.close()


async def test_nobody_there_may_be_retried() -> None:
    out = Webhook("http://127.0.0.1:1/hook", SECRET, retries=1)
    with pytest.raises(RefusalError, match=r"127\.0\.0\.1:1 does not .*Connect") as told:
        await out.send(Signal.LOGS, webhook.body("event", {}))
    assert told.value.retryable
    await out.close()


async def test_a_receiver_that_hangs_may_be_retried(receiver: Receiver) -> None:
    receiver.hang = asyncio.Event()
    out = Webhook(receiver.url, SECRET, timeout=0.5, retries=0)
    with pytest.raises(RefusalError, match="does not answer") as told:
        await out.send(Signal.LOGS, webhook.body("event", {}))
    assert told.value.retryable
    await out.close()


async def test_what_was_refused_for_good_is_logged_and_the_next_is_sent(
    receiver: Receiver, journal: Journal, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "otelml")
    receiver.statuses = [400]
    await keep(journal, webhook.body("first", {}), webhook.body("second", {}))
    out = Webhook(f"http://user:{SECRET}@127.0.0.1:{receiver.port}/t0ken", SECRET)
    box = Outbox("webhook", out, journal, 100)
    box.start()
    await eventually(lambda: len(receiver.received) == 2)
    await box.stop()
    assert 1 == box.dropped
    assert f"webhook refused findings: 127.0.0.1:{receiver.port} answered 400" in caplog.messages
    assert "t0ken" not in caplog.text
    assert SECRET not in caplog.text + repr(out)
    await out.close()


async def test_what_was_not_taken_is_sent_after_a_restart(
    receiver: Receiver, tmp_path: Path, eventually: Eventually
) -> None:
    url = f"sqlite:///{tmp_path / 'again.db'}"
    receiver.statuses, receiver.headers = [503], {"retry-after": "60"}
    body = webhook.body("event", {})
    before = Journal(url)
    await keep(before, body)
    out = Webhook(receiver.url, SECRET)
    box = Outbox("webhook", out, before, 100)
    box.start()
    await eventually(lambda: len(receiver.received) == 1)
    await box.stop()  # it waits for its second try
    assert 1 == len(receiver.received)
    before.close()
    await out.close()

    after = Journal(url)
    out = Webhook(receiver.url, SECRET)
    box = Outbox("webhook", out, after, 100)
    await box.flush()
    assert [body, body] == [received for _, _, received in receiver.received]
    assert 1 == len(set(receiver.ids))
    assert await after.first("webhook") is None
    after.close()
    await out.close()


async def test_what_failed_unexpectedly_is_logged_and_sent_again(
    journal: Journal, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[bytes] = []

    class Broken:
        failures = 2

        async def send(self, signal: Signal, body: bytes) -> bytes:
            if self.failures:
                self.failures -= 1
                raise ZeroDivisionError("broken")
            taken.append(body)
            return b""

        async def close(self) -> None:
            pass

    await keep(journal, b"first", b"second")
    box = Outbox("webhook", Broken(), journal, 100)
    await box.flush()
    assert [] == taken
    box.start()
    await eventually(lambda: taken)
    await box.stop()
    await box.flush()
    assert ([b"first", b"second"], 0) == (taken, box.dropped)
    assert 2 == caplog.messages.count("findings could not be sent to webhook")
    assert "ZeroDivisionError: broken" in caplog.text


async def test_what_this_version_cannot_send_is_given_up(
    receiver: Receiver, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    await journal.snapshot(b"", 0, [Letter("webhook", "profiles", b"of a newer version")])
    await keep(journal, webhook.body("event", {}))
    out = Webhook(receiver.url, SECRET)
    box = Outbox("webhook", out, journal, 100)
    await box.flush()
    assert (1, 1) == (len(receiver.received), box.dropped)
    assert "webhook refused findings: 'profiles' is nothing that can be sent" in caplog.messages
    await out.close()


async def test_a_receiver_that_hangs_holds_up_no_other(
    receiver: Receiver, journal: Journal, eventually: Eventually
) -> None:
    receiver.hang = asyncio.Event()
    await keep(journal, webhook.body("event", {}))
    out = Webhook(receiver.url, SECRET)
    box = Outbox("webhook", out, journal, 100)
    box.start()
    await eventually(lambda: len(receiver.received) == 1)
    applied: list[int] = []
    await journal.append(b"request", applied.append)
    assert [1] == applied
    await box.stop()
    await out.close()


def test_its_url_is_posted_to_as_it_is() -> None:
    url = "https://hooks.example/otelml/"
    assert url == Hook(url=url, secret=SECRET).url


def test_a_webhook_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        Webhook("http://127.0.0.1", "")
