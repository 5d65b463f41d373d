"""`POST /v1/labels` on the OTLP/HTTP receiver."""

import hmac
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otelml.processor import config
from otelml.processor.labels import LINES, posted
from otelml.processor.otlp_http import body_of, retry_after
from otelml.processor.refusal import Code, RefusalError, busy
from otelml.processor.truths import MODEL_LIMIT, Truths
from otelml.store.database import StoreError

PATH: Final = "/v1/labels"
_JSON: Final = "application/json"


def route(settings: config.HttpReceiver, token: str | None, truths: Truths) -> Route:
    """The route that takes labels; with a token only from those who bear it."""

    async def take(request: Request) -> Response:
        try:
            _admit(request, token)
            return await _taken(request)
        except RefusalError as refusal:
            return _refusal(refusal)

    async def _taken(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (_JSON, LINES):
            message = f"content-type {kind[:80]!r} is not served: send {_JSON} or {LINES}"
            raise RefusalError(Code.INVALID_ARGUMENT, message, http=415)
        found = posted(kind, await body_of(request, settings), time.time_ns())
        try:
            taken = await truths.accept(found.predictions, found.truths)
        except StoreError as error:
            raise busy(f"labels cannot be kept: {error}", 5.0) from error
        refused = [
            *found.refused,
            *(r._replace(place=found.places[r.place]) for r in taken.refused),
        ]
        states = taken.states
        answer = {
            "accepted": len(found.truths) - len(taken.refused),
            "matched": states["matched"],
            "waiting": states["unmatched"],
            "duplicate": states["duplicate"],
            "corrected": states["corrected"],
            "refused": [one.json() for one in sorted(refused)],
        }
        if taken.dropped:  # the label is kept, the prediction beside it is not
            answer["dropped"] = {MODEL_LIMIT: taken.dropped}
        return JSONResponse(answer, 400 if refused and not answer["accepted"] else 200)

    return Route(PATH, take, methods=["POST"])


def _admit(request: Request, token: str | None) -> None:
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not same:
        raise RefusalError(Code.UNAUTHENTICATED, "a bearer token is needed, and this is not it")


def _refusal(refusal: RefusalError) -> Response:
    headers = {"www-authenticate": "Bearer"} if refusal.http == 401 else {}
    return JSONResponse({"error": refusal.message}, refusal.http, headers | retry_after(refusal))
