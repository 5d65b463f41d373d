"""A processor's `POST /v1/labels`, as its contract has it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Labels:
    """What was pushed; labels that begin with "bad" are refused, known ids match."""

    endpoint: str = ""
    token: str | None = None
    known: set[str] = field(default_factory=set)
    largest: int = 1 << 20
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """What is answered instead, for so many requests."""
    whole: tuple[int, bytes] | None = None
    """What is answered instead, always."""
    after: int | None = None
    """Requests that are taken before nothing but 400 is answered."""
    gate: threading.Event | None = None
    free: int = 0
    """Requests that are taken before others wait for the gate; `waiting` tells that one does."""
    waiting: threading.Event = field(default_factory=threading.Event)
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)
    authorizations: set[str | None] = field(default_factory=set)

    @property
    def sizes(self) -> list[int]:
        return [len(request) for request in self.requests]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for request in self.requests for row in request]

    def answer(self, body: bytes, authorization: str | None) -> tuple[int, dict[str, str], bytes]:
        self.authorizations.add(authorization)
        if self.gate is not None and len(self.requests) >= self.free:
            self.waiting.set()
            self.gate.wait()
        if self.token is not None and authorization != f"Bearer {self.token}":
            return 401, {}, b""
        if self.answers:
            status, headers = self.answers.pop(0)
            return status, headers, b""
        if self.whole is not None:
            return *self._bare(self.whole[0]), self.whole[1]
        if self.after is not None and len(self.requests) >= self.after:
            said = {"error": "no JSON", "line": 2}
            return *self._bare(400), json.dumps(said).encode()
        if len(body) > self.largest:
            return 413, {}, b""
        rows = [json.loads(line) for line in body.split(b"\n")]
        self.requests.append(rows)
        told: dict[str, Any] = dict.fromkeys(
            ("accepted", "matched", "waiting", "duplicate", "corrected"), 0
        )
        told["refused"] = []
        for index, row in enumerate(rows):
            if str(row["label"]).startswith("bad"):
                told["refused"].append({"index": index, "reason": f"unknown class\n{row['label']}"})
                continue
            told["accepted"] += 1
            before = self.held.get(row["id"])
            state = "matched" if row["id"] in self.known else "waiting"
            if before is not None:
                state = "duplicate" if before == row["label"] else "corrected"
            told[state] += 1
            self.held[row["id"]] = row["label"]
        status = 200 if told["accepted"] else 400
        return *self._bare(status), json.dumps(told).encode()

    @staticmethod
    def _bare(status: int) -> tuple[int, dict[str, str]]:
        return status, {}


@contextmanager
def serving(labels: Labels) -> Iterator[Labels]:
    """Serve on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            good = self.path == "/v1/labels"
            good = good and self.headers["content-type"] == "application/x-ndjson"
            status, headers, answer = (
                labels.answer(body, self.headers["authorization"]) if good else (404, {}, b"")
            )
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(answer))}).items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # the client may have been killed
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    labels.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield labels
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
