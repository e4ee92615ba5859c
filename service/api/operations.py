"""For operators: live, ready, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.access import Scope
from service.api import problems
from service.api.access import PUBLIC, allow
from service.api.dependencies import ServicesOf
from service.api.examples import refusals
from service.api.schemas import Health, Readiness

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Is the process alive?", dependencies=[PUBLIC])
async def healthz() -> Health:
    """Always 200 while the process can answer at all."""
    return Health()


@router.get(
    "/readyz",
    summary="Can requests be served?",
    dependencies=[PUBLIC],
    responses=refusals(problems.STORE_UNAVAILABLE),
)
async def readyz(services: ServicesOf) -> Readiness:
    """503 without the store; 200 with `model: degraded` while the model fails, since answers are still kept."""
    await services.store.ping()
    return Readiness(model=services.model_state())


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[allow(Scope.OPERATIONS_READ)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(services: ServicesOf) -> Response:
    """Counters and histograms in Prometheus' text format; no labels hold texts or names."""
    return Response(services.metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
