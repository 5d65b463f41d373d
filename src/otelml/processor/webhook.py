"""Tells another service of events: a signed JSON body, sent until it is taken.

A webhook is an exporter, so its requests wait in an `Outbox` of its own: they survive a restart,
and a receiver that hangs holds up nothing else.
"""

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

import httpx

from otelml.processor import retry_after
from otelml.processor.refusal import Code, RefusalError, from_http
from otelml.processor.signals import Signal

SIGNATURE: Final = "x-otelml-signature"
TIMESTAMP: Final = "x-otelml-timestamp"
IDEMPOTENCY_KEY: Final = "idempotency-key"

_SHORTEST, _LONGEST = 0.5, 30.0
_LONGEST_ASKED: Final = 300.0
"""Seconds between tries: of our own accord, and at most when the receiver asks for more."""


def body(event: str, about: Mapping[str, Any]) -> bytes:
    """What is posted of an event: what it is about, beside its name and an id of its own.

    The id stays the same however often the body is sent.
    """
    whole = {"id": str(uuid.uuid4()), "event": event} | dict(about)
    return json.dumps(whole, allow_nan=False).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the header says of a body; the receiver calculates it again and compares.

    It covers the timestamp, so that an old request cannot be passed off as a new one.

    >>> signature("secret", "1700000000", b"{}")
    'sha256=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163'
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


class Webhook:
    """A URL that is told of events.

    Args:
        url: Where to post to. It may hold a token, so messages name no more of it than the host.
        secret: What bodies are signed with.
        timeout: Seconds that a try may take.
        retries: Tries after the first before the sender is told; the outbox then begins anew.

    """

    def __init__(self, url: str, secret: str, timeout: float = 10.0, retries: int = 4) -> None:
        if not secret:
            raise ValueError("a webhook needs a secret to sign with")
        self._url, self._secret, self._timeout, self._tries = url, secret, timeout, retries + 1
        self._host = httpx.URL(url).netloc.decode()  # without what may be before an @
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False)

    def __repr__(self) -> str:
        return f"Webhook({self._host})"

    async def send(self, signal: Signal, body: bytes) -> bytes:  # noqa: ARG002 - an event is an event
        """Post a body of `body`; nothing is read of the answer but its status.

        Raises:
            RefusalError: it was not taken; retryable unless the receiver will have none of it.

        """
        for number in range(self._tries):
            try:
                await self._post(body)
            except RefusalError as refusal:
                if number + 1 == self._tries or not refusal.retryable:
                    raise
                await asyncio.sleep(_delay(number, refusal.retry_after))
            else:
                break
        return b""

    async def _post(self, body: bytes) -> None:
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            IDEMPOTENCY_KEY: json.loads(body)["id"],
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secret, timestamp, body),
        }
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                status, asked = response.status_code, response.headers.get("retry-after")
        except (httpx.HTTPError, TimeoutError) as error:
            message = f"{self._host} does not answer: {type(error).__name__}"
            raise RefusalError(Code.UNAVAILABLE, message) from error
        if 200 <= status < 300:
            return
        message = f"{self._host} answered {status}"
        if status == 429 or status >= 500:
            raise RefusalError(Code.UNAVAILABLE, message, retry_after.seconds(asked))
        raise from_http(status, message, None)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _delay(number: int, asked: float | None) -> float:
    """Seconds to wait after a try: twice as long each time, spread, and not less than asked for."""
    own = min(_SHORTEST * 2.0**number, _LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311 - hides nothing
    return max(own, min(asked or 0.0, _LONGEST_ASKED))
