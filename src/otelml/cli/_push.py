"""Posts labels to a processor, in batches, until it takes them."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from otelml.offline.labels import Label
from otelml.processor import retry_after

COUNTS: Final = ("accepted", "matched", "waiting", "duplicate", "corrected")
REASONS: Final = 20
"""Reasons that are told apart; what else was refused is of "other" ones."""

_TRIES: Final = 6
_SHORTEST, _LONGEST = 0.5, 60.0


class PushError(Exception):
    """Labels were not taken; says why and what to do."""


@dataclass
class Tally:
    """What became of the rows."""

    rows: int = 0
    accepted: int = 0
    matched: int = 0
    waiting: int = 0
    duplicate: int = 0
    corrected: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, batch: Sequence[Label], answer: dict[str, Any]) -> None:
        """Count what was said of a batch."""
        self.rows += len(batch)
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + answer[name])
        for index, reason in answer["refused"]:
            known = reason in self.reasons or len(self.reasons) < REASONS
            told = reason if known else "other"
            self.refused += 1
            self.reasons[told] += 1
            self.first.setdefault(told, batch[index].where)

    def json(self) -> dict[str, Any]:
        """All of it."""
        return dict(vars(self))


class Pusher:
    """A processor that takes labels."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        self._url = f"{endpoint.rstrip('/')}/v1/labels"
        headers = {"content-type": "application/x-ndjson"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._client = httpx.Client(headers=headers, timeout=30.0, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def push(self, batch: Sequence[Label]) -> Iterator[tuple[Sequence[Label], dict[str, Any]]]:
        """Post a batch, in parts if it is too large; each part with what was said of it.

        Raises:
            PushError: nobody took it.

        """
        response = self._post(b"\n".join(label.body for label in batch))
        if response.status_code == 413 and len(batch) > 1:
            half = len(batch) // 2
            yield from self.push(batch[:half])
            yield from self.push(batch[half:])
        else:
            yield batch, self._answer(response, batch)

    def _post(self, body: bytes) -> httpx.Response:
        for number in range(_TRIES):
            asked = None
            try:
                response = self._client.post(self._url, content=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                problem = str(error) or type(error).__name__
            else:
                if response.status_code != 429 and response.status_code < 500:
                    return response
                problem = f"it answered {response.status_code}"
                asked = retry_after.seconds(response.headers.get("retry-after"))
            if number + 1 < _TRIES:
                own = _SHORTEST * 2.0**number * random.uniform(0.5, 1.0)  # noqa: S311 - hides nothing
                time.sleep(min(max(own, asked or 0.0), _LONGEST))
        raise PushError(f"{self._url}: {problem}; is a processor there? give its --endpoint")

    def _answer(self, response: httpx.Response, batch: Sequence[Label]) -> dict[str, Any]:
        status = response.status_code
        if status in (401, 403):
            raise PushError(f"{self._url} answered {status}: name its token by --token-env")
        if status == 404:
            raise PushError(f"{self._url} is not served: give the --endpoint of a processor")
        if status not in (200, 400):
            raise PushError(f"{batch[0].where}: {self._url} answered {status}")
        try:
            said = json.loads(response.content)
            if status == 400 and "error" in said:
                where = batch[said["line"] - 1].where if said.get("line") else batch[0].where
                raise PushError(f"{where}: {self._url} refused it: {printable(said['error'])}")
            return _counted(said, len(batch))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise PushError(f"{self._url} gave no answer of a processor ({error!r})") from error


def _counted(said: dict[str, Any], rows: int) -> dict[str, Any]:
    refused = [(int(one["index"]), printable(one["reason"])) for one in said["refused"]]
    if not all(0 <= index < rows for index, _ in refused):
        raise ValueError("it refused what was not sent")
    return {name: int(said[name]) for name in COUNTS} | {"refused": refused}


def printable(text: object) -> str:
    """What a server said, fit for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))[:200]
