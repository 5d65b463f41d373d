"""Model calls within web requests: Starlette and FastAPI, and the id that the request brought."""

from typing import Any

import httpx
import numpy as np
from fastapi import APIRouter, FastAPI
from sklearn.linear_model import LogisticRegression

from tests.hooks.conftest import Telemetry

X = np.random.default_rng(0).normal(size=(60, 2))
MODEL = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))


def app() -> FastAPI:
    app, router = FastAPI(), APIRouter(prefix="/v1")

    @router.post("/models/{name}")
    def sync(name: str, rows: list[list[float]]) -> Any:
        return MODEL.predict(np.asarray(rows)).tolist()

    @router.post("/awaited")
    async def awaited(rows: list[list[float]]) -> Any:
        return MODEL.predict(np.asarray(rows)).tolist()

    app.include_router(router)
    return app


async def test_the_route_and_the_request_are_told(telemetry: Telemetry) -> None:
    transport = httpx.ASGITransport(app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        given = {"x-request-id": "r5"}
        await client.post("/v1/models/churn", json=[[1, 2]], headers=given)
        await client.post("/v1/awaited", json=[[1, 2]])
    first, second = (dict(span.attributes or {}) for span in telemetry.spans())
    assert ("/v1/models/{name}", "r5") == (first["http.route"], first["ml.inference.id"])
    assert "/v1/awaited" == second["http.route"]
    assert "ml.inference.id" not in second
    assert {"sklearn"} == {first["ml.system.name"], second["ml.system.name"]}
