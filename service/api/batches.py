"""Batches: send many answers at once, follow them, read what became of them, stop them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.batch_examples import (
    BATCH_BODIES,
    BATCH_EXAMPLE,
    BATCH_LIST_EXAMPLE,
    ERRORS_EXAMPLE,
    ESTIMATE_EXAMPLE,
    RESULTS_EXAMPLE,
)
from service.api.batch_schemas import (
    BatchDocument,
    BatchErrorLine,
    BatchEstimate,
    BatchList,
    BatchResultLine,
    batch_document,
    batch_list,
    error_line,
    estimate_document,
    result_line,
)
from service.api.dependencies import ServicesOf, TenantOf
from service.api.examples import example, refusals
from service.api.idempotency import NOT_KEPT, ClaimOf, IdempotentRoute
from service.api.problems import ProblemError
from service.bootstrap import Services
from service.jobs import Batch, BatchId
from service.lines import RawLine, json_array, jsonl
from service.records import PageSize, Tenant

router = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=IdempotentRoute)

JSONL = "application/jsonl"
LINES = frozenset({JSONL, "application/x-ndjson", "application/x-jsonlines"})
Id = Annotated[str, Path(description="The batch's id.", examples=["bat_01KAP0J3V8T6W1Q9X4Z7B5C2D0"], max_length=64)]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a batch of answers",
    dependencies=[allow(Scope.BATCHES_WRITE)],
    response_model=BatchDocument,
    responses={
        202: {
            "headers": {"Location": {"description": "Where the batch is.", "schema": {"type": "string"}}},
            **example(BATCH_EXAMPLE),
        },
        200: {"model": BatchEstimate, "description": "With `dry_run`: nothing is kept.", **example(ESTIMATE_EXAMPLE)},
        **refusals(
            problems.INVALID_JSON,
            problems.INVALID_HEADER,
            problems.KEY_IN_USE,
            problems.KEY_REUSED,
            problems.BODY_TOO_LARGE,
            problems.BATCH_TOO_LONG,
            problems.UNSUPPORTED_MEDIA,
            problems.INVALID_REQUEST,
            problems.STORE_UNAVAILABLE,
        ),
    },
    openapi_extra={"requestBody": {"required": True, "content": BATCH_BODIES}},
)
async def create_batch(
    request: Request,
    services: ServicesOf,
    tenant: TenantOf,
    claim: ClaimOf,
    max_cost_usd: Annotated[
        float | None, Query(ge=0, le=1e9, description="A budget: no answer is begun that could overspend it.")
    ] = None,
    dry_run: Annotated[bool, Query(description="Check and estimate; keep nothing.")] = False,
    service_tier: Annotated[
        Literal["standard", "economy"],
        Query(
            description="`economy` goes through the provider's batch API: about half the price, within a day. Refused "
            "where the model or the judge has none."
        ),
    ] = "standard",
) -> Response:
    """One grade request a line, each with a `custom_id` of yours that is unique in the batch.

    Lines are checked as they arrive: bad ones are kept apart with their number and reason, good ones are
    graded. Once this answers 202 the batch is not lost, whatever dies.
    """
    if service_tier == "economy" and (problem := _why_not_economy(services, max_cost_usd)):
        raise _refused("?service_tier", problem)
    if max_cost_usd is not None and not services.batches.priced:
        raise _refused("?max_cost_usd", "the price of the model is not known, so a budget cannot be kept")
    batch_id = BatchId(f"bat_{claim.effect}") if claim else None
    if batch_id and claim and claim.resumed and (kept := await services.batches.sealed(tenant, batch_id)):
        return _taken(kept)
    lines = _lines(request, services.batches.line_bytes)
    if dry_run:
        estimate = estimate_document(await services.batches.dry_run(tenant, lines))
        return _json(estimate, headers={"Cache-Control": NOT_KEPT})
    return _taken(
        await services.batches.take_in(tenant, lines, max_cost_usd=max_cost_usd, batch_id=batch_id, tier=service_tier)
    )


def _why_not_economy(services: Services, max_cost_usd: float | None) -> str | None:
    if not services.economy.offered:
        return "economy needs an OpenAI model and the single_call judge with one sample, unredacted; leave it out"
    if max_cost_usd is not None:
        return "economy sends all answers at once, so a budget cannot be kept; leave one of the two out"
    return None


def _taken(batch: Batch) -> Response:
    return _json(batch_document(batch), status.HTTP_202_ACCEPTED, {"Location": f"/v1/batches/{batch.id}"})


@router.get(
    "",
    summary="List batches, newest first",
    dependencies=[allow(Scope.GRADES_READ)],
    response_model=BatchList,
    responses={200: example(BATCH_LIST_EXAMPLE), **refusals(problems.INVALID_REQUEST, problems.STORE_UNAVAILABLE)},
)
async def list_batches(
    services: ServicesOf,
    tenant: TenantOf,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: PageSize = 20,
) -> Response:
    """One page of batches; follow `next_cursor` for more."""
    return _json(batch_list(await services.batches.page(tenant, cursor, limit)))


@router.get(
    "/{batch_id}",
    summary="Get one batch",
    dependencies=[allow(Scope.GRADES_READ)],
    response_model=BatchDocument,
    responses={200: example(BATCH_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def get_batch(batch_id: Id, services: ServicesOf, tenant: TenantOf) -> Response:
    """Its status, counts, place in the queue and cost so far; unknown and foreign ids look the same."""
    return _json(batch_document(await _found(services, tenant, batch_id)))


@router.post(
    "/{batch_id}/cancel",
    summary="Stop a batch",
    dependencies=[allow(Scope.BATCHES_WRITE)],
    response_model=BatchDocument,
    responses={200: example(BATCH_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def cancel_batch(batch_id: Id, services: ServicesOf, tenant: TenantOf) -> Response:
    """What is graded stays, what is being graded is finished, the rest ends as `ungraded`, reason `cancelled`.

    A batch that is through stays as it is.
    """
    batch = await services.batches.cancel(tenant, _batch_id(batch_id))
    if batch is None:
        raise ProblemError(problems.NOT_FOUND)
    return _json(batch_document(batch))


def _stream(schema: type[BaseModel], shown: str) -> dict[int | str, dict[str, Any]]:
    description = f"One JSON object a line, each a `{schema.__name__}`."
    content = {JSONL: {"schema": {"type": "string", "description": description}, "example": shown}}
    return {200: {"description": description, "content": content}}


@router.get(
    "/{batch_id}/results",
    summary="Read the grades of a batch",
    dependencies=[allow(Scope.GRADES_READ)],
    response_class=StreamingResponse,
    responses={
        **_stream(BatchResultLine, RESULTS_EXAMPLE),
        **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE),
    },
)
async def batch_results(batch_id: Id, services: ServicesOf, tenant: TenantOf) -> StreamingResponse:
    """JSONL in the order the answers were sent; those graded so far while the batch is in progress."""
    batch = await _found(services, tenant, batch_id)
    return _jsonl(result_line(item) async for item in services.batches.results(batch.id))


@router.get(
    "/{batch_id}/errors",
    summary="Read what of a batch has no grade",
    dependencies=[allow(Scope.GRADES_READ)],
    response_class=StreamingResponse,
    responses={**_stream(BatchErrorLine, ERRORS_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def batch_errors(batch_id: Id, services: ServicesOf, tenant: TenantOf) -> StreamingResponse:
    """JSONL in the order sent: refused lines with what is wrong, ungraded answers with the reason."""
    batch = await _found(services, tenant, batch_id)
    return _jsonl(error_line(entry) async for entry in services.batches.errors(batch.id))


async def _following(
    batch_id: Id,
    services: ServicesOf,
    tenant: TenantOf,
    _last: Annotated[str | None, Header(alias="Last-Event-ID", include_in_schema=False)] = None,
) -> Batch:
    return await _found(services, tenant, batch_id)


@router.get(
    "/{batch_id}/events",
    summary="Follow a batch",
    dependencies=[allow(Scope.GRADES_READ)],
    response_class=EventSourceResponse,
    responses=refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE),
)
async def follow_batch(
    services: ServicesOf, batch: Annotated[Batch, Depends(_following)]
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `progress` with the batch as it stands whenever that has changed, `done` in the end."""
    async for now in services.batches.progress(batch):
        name = "done" if now.status.final else "progress"
        yield ServerSentEvent(data=batch_document(now).model_dump(mode="json"), event=name)


def _lines(request: Request, longest: int) -> AsyncIterator[RawLine]:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ProblemError(problems.UNSUPPORTED_MEDIA, "Compressed bodies are not accepted.")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in LINES:
        return jsonl(request.stream(), longest)
    if media == "application/json":
        return json_array(request.stream(), longest)
    raise ProblemError(problems.UNSUPPORTED_MEDIA, f"Send {JSONL}, or application/json with one array.")


def _refused(pointer: str, detail: str) -> ProblemError:
    return ProblemError(problems.INVALID_REQUEST, errors=[{"pointer": pointer, "detail": detail}])


def _batch_id(text: str) -> BatchId:
    if not text.startswith("bat_") or not text.isascii() or not text[4:].isalnum():
        raise ProblemError(problems.NOT_FOUND)
    return BatchId(text)


async def _found(services: Services, tenant: Tenant, batch_id: str) -> Batch:
    batch = await services.batches.get(tenant, _batch_id(batch_id))
    if batch is None:
        raise ProblemError(problems.NOT_FOUND)
    return batch


def _jsonl(documents: AsyncIterator[BaseModel]) -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        async for document in documents:
            yield document.__pydantic_serializer__.to_json(document) + b"\n"

    return StreamingResponse(lines(), media_type=JSONL)


def _json(document: BaseModel, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(document.__pydantic_serializer__.to_json(document), code, headers, "application/json")
