"""Model calls within web requests: Starlette and FastAPI, and the id that the request brought."""

from contextlib import nullcontext
from typing import Any

import httpx
import numpy as np
import pytest
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


@pytest.mark.parametrize("spans", [True, False])
async def test_a_request_is_one_whichever_spans_are_within(
    telemetry: Telemetry, spans: bool
) -> None:
    app = FastAPI()

    @app.post("/both")
    def both(rows: list[list[float]]) -> Any:
        given = np.asarray(rows)
        for predict in (MODEL.predict, MODEL.predict_proba):
            with telemetry.tracer.start_as_current_span("step") if spans else nullcontext():
                predict(given)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for _ in range(3):
            await client.post("/both", json=[[1, 2], [3, 4]])
    assert 12 == telemetry.value("ml.inference.predictions")
    assert 12 == telemetry.value("ml.feature.observations")
    assert 6 == telemetry.value("ml.prediction.classes")
    assert 6 == telemetry.value("ml.prediction.score")
