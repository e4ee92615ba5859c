"""Grades: make one, read it, follow it, audit it, try again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import Async, ServicesOf, TenantOf, acceptable
from service.api.examples import GRADE_BODIES, GRADE_EXAMPLE, LIST_EXAMPLE, RECEIPT_EXAMPLE, example, refusals
from service.api.idempotency import ClaimOf, IdempotentRoute
from service.api.problems import ProblemError, retry_after_header
from service.api.schemas import (
    GradeDocument,
    GradeList,
    GradeWithSubmission,
    ReceiptDocument,
    grade_document,
    grade_list,
    grade_with_submission,
    receipt_document,
)
from service.bootstrap import Services
from service.grading.grade import GradeStatus
from service.intake import GradeBody
from service.records import GradeFilter, GradeId, GradeRecord, PageSize, Tenant
from service.workflow import NothingToRetry

router = APIRouter(
    prefix="/v1/grades", tags=["grades"], route_class=IdempotentRoute, dependencies=[Depends(acceptable)]
)

Id = Annotated[str, Path(description="The grade's id.", examples=["grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0"], max_length=64)]
Location = {"Location": {"description": "Where the grade is.", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Grade an answer",
    dependencies=[allow(Scope.GRADES_WRITE)],
    response_model=GradeDocument,
    responses={
        201: {"headers": Location, **example(GRADE_EXAMPLE)},
        202: {"model": GradeDocument, "headers": Location, "description": "Being graded; follow Location."},
        **refusals(
            problems.INVALID_JSON,
            problems.INVALID_HEADER,
            problems.NOT_ACCEPTABLE,
            problems.KEY_IN_USE,
            problems.KEY_REUSED,
            problems.LEARNER_ERASED,
            problems.BODY_TOO_LARGE,
            problems.UNSUPPORTED_MEDIA,
            problems.INVALID_REQUEST,
            problems.NOT_GRADED,
            problems.OVERLOADED,
            problems.STORE_UNAVAILABLE,
        ),
    },
    openapi_extra={"requestBody": {"content": {"application/json": {"examples": GRADE_BODIES}}}},
)
async def create_grade(
    body: GradeBody, services: ServicesOf, tenant: TenantOf, claim: ClaimOf, in_background: Async
) -> Response:
    """Judge an answer against a rubric and explain the result.

    Waits for the grade unless `Prefer: respond-async` is sent. An answer no level could be decided for is
    kept as `ungraded`, answered with 503 and the member `grade`, and can be retried.
    """
    grade_id = GradeId(f"grd_{claim.effect}") if claim else None
    if grade_id and claim and claim.resumed and (begun := await services.grading.get(tenant, grade_id)):
        return _found_begun(begun, in_background=in_background)
    request = await services.intake.request(tenant, body)
    if in_background:
        record = await services.grading.submit(tenant, request, grade_id)
        return _document(record, status.HTTP_202_ACCEPTED, located=True)
    record = await services.grading.grade(tenant, request, grade_id)
    return _made(record, status.HTTP_201_CREATED)


@router.get(
    "",
    summary="List grades, newest first",
    dependencies=[allow(Scope.GRADES_READ)],
    response_model=GradeList,
    responses={200: example(LIST_EXAMPLE), **refusals(problems.INVALID_REQUEST, problems.STORE_UNAVAILABLE)},
)
async def list_grades(
    services: ServicesOf,
    tenant: TenantOf,
    learner: Annotated[str | None, Query(max_length=200)] = None,
    rubric: Annotated[str | None, Query(max_length=64)] = None,
    status: GradeStatus | None = None,
    created_after: datetime | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: PageSize = 20,
) -> Response:
    """One page of grades; follow `next_cursor` for more."""
    wanted = GradeFilter(
        learner=_storable(learner, "learner"),
        rubric=_storable(rubric, "rubric"),
        status=status,
        created_after=_aware(created_after),
    )
    page = await services.grading.page(tenant, wanted, cursor, limit)
    return as_json(grade_list(page))


@router.get(
    "/{grade_id}",
    summary="Get one grade",
    dependencies=[allow(Scope.GRADES_READ)],
    response_model=GradeDocument | GradeWithSubmission,
    responses={200: example(GRADE_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def get_grade(
    grade_id: Id,
    services: ServicesOf,
    tenant: TenantOf,
    include: Annotated[Literal["submission"] | None, Query(description="Add what was sent.")] = None,
) -> Response:
    """A grade by id; unknown and foreign ids look the same."""
    record = await _found(services, tenant, grade_id)
    return as_json(grade_with_submission(record) if include else grade_document(record))


@router.get(
    "/{grade_id}/receipt",
    summary="Get the full receipt",
    dependencies=[allow(Scope.GRADES_AUDIT)],
    response_model=ReceiptDocument,
    responses={200: example(RECEIPT_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def get_receipt(grade_id: Id, services: ServicesOf, tenant: TenantOf) -> Response:
    """What produced the grade: versions and hashes, every model call with its raw reply, the decisions."""
    return as_json(receipt_document(await _found(services, tenant, grade_id)))


@router.post(
    "/{grade_id}/retry",
    summary="Grade again what could not be graded",
    dependencies=[allow(Scope.GRADES_WRITE)],
    response_model=GradeDocument,
    responses={
        200: example(GRADE_EXAMPLE),
        **refusals(
            problems.INVALID_HEADER,
            problems.NOT_FOUND,
            problems.KEY_IN_USE,
            problems.KEY_REUSED,
            problems.NOTHING_TO_RETRY,
            problems.ANSWER_EXPIRED,
            problems.NOT_GRADED,
            problems.OVERLOADED,
            problems.STORE_UNAVAILABLE,
        ),
    },
)
async def retry_grade(grade_id: Id, services: ServicesOf, tenant: TenantOf, claim: ClaimOf) -> Response:
    """An ungraded answer is graded again; a failed commentary is written again, the scores stand."""
    try:
        record = await services.grading.retry(tenant, grade_id_of(grade_id))
    except NothingToRetry:
        if claim is None or not claim.resumed:
            raise
        record = await _found(services, tenant, grade_id)
    if record is None:
        raise ProblemError(problems.NOT_FOUND)
    return _made(record, status.HTTP_200_OK)


async def _following(
    grade_id: Id,
    services: ServicesOf,
    tenant: TenantOf,
    last_event_id: Annotated[str | None, Header(description="Continue after this event.", max_length=20)] = None,
) -> tuple[GradeRecord, int]:
    record = await _found(services, tenant, grade_id)
    seen = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else 0
    return record, seen


@router.get(
    "/{grade_id}/events",
    summary="Follow a grade as it is made",
    dependencies=[allow(Scope.GRADES_READ)],
    response_class=EventSourceResponse,
    responses=refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE),
)
async def follow_grade(
    services: ServicesOf, following: Annotated[tuple[GradeRecord, int], Depends(_following)]
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `stage`, `criterion` (one each), `commentary`, `done`.

    The numbers are the same for whoever watches or comes later; `Last-Event-ID` continues after one.
    """
    record, seen = following
    number = 0
    async for event in services.grading.events(record):
        number += 1
        if number > seen:
            yield ServerSentEvent(data=event.data, event=event.name, id=str(number))


def _storable(text: str | None, name: str) -> str | None:
    if text is not None and "\x00" in text:
        raise ProblemError(
            problems.INVALID_REQUEST, errors=[{"pointer": f"?{name}", "detail": "holds a NUL character"}]
        )
    return text


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def grade_id_of(text: str) -> GradeId:
    """A grade's id from a path; what cannot be one is not found."""
    if not text.startswith("grd_") or not text.isascii() or (not text.isalnum() and not text[4:].isalnum()):
        raise ProblemError(problems.NOT_FOUND)
    return GradeId(text)


async def _found(services: Services, tenant: Tenant, grade_id: str) -> GradeRecord:
    record = await services.grading.get(tenant, grade_id_of(grade_id))
    if record is None:
        raise ProblemError(problems.NOT_FOUND)
    return record


def _found_begun(record: GradeRecord, *, in_background: bool) -> Response:
    """What a process that is gone had made of the same request; who did not want to wait is answered as at first."""
    if in_background or record.status is GradeStatus.IN_PROGRESS:
        return _document(record, status.HTTP_202_ACCEPTED, located=True)
    return _made(record, status.HTTP_201_CREATED)


def _made(record: GradeRecord, code: int) -> Response:
    """The grade, or 503 with it where no level could be decided."""
    if record.status is not GradeStatus.UNGRADED:
        return _document(record, code, located=True)
    reason = record.reason
    raise ProblemError(
        problems.NOT_GRADED,
        reason.detail if reason else None,
        headers={
            "Location": f"/v1/grades/{record.id}",
            "Retry-After": retry_after_header(reason.retry_after if reason else None),
        },
        grade=grade_document(record).model_dump(mode="json"),
    )


def _document(record: GradeRecord, code: int, *, located: bool = False) -> Response:
    headers: dict[str, Any] = {"Location": f"/v1/grades/{record.id}"} if located else {}
    return as_json(grade_document(record), code, headers)


def as_json(document: BaseModel, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document as a JSON response."""
    return Response(document.__pydantic_serializer__.to_json(document), code, headers, "application/json")
