"""People in the loop: review a grade, appeal against one, see what waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import Async, ServicesOf, TenantOf, acceptable
from service.api.examples import example, refusals
from service.api.grades import Id, Location, as_json, grade_id_of
from service.api.problems import ProblemError
from service.api.review_examples import APPEALED_EXAMPLE, QUEUE_EXAMPLE, REVIEWED_EXAMPLE
from service.api.review_schemas import AgreementDocument, AppealBody, ReviewBody, agreement_document
from service.api.schemas import GradeDocument, grade_document
from service.api.strict_json import StrictJSONRoute
from service.records import GradeRecord, PageSize, QueuePage
from service.reviewing import Opinion, UnfitLevels

router = APIRouter(
    prefix="/v1/grades", tags=["reviews"], route_class=StrictJSONRoute, dependencies=[Depends(acceptable)]
)
queue_router = APIRouter(
    prefix="/v1/reviews", tags=["reviews"], route_class=StrictJSONRoute, dependencies=[Depends(acceptable)]
)

_BODY_REFUSALS = (
    problems.INVALID_JSON,
    problems.NOT_ACCEPTABLE,
    problems.NOT_FOUND,
    problems.NOT_REVIEWABLE,
    problems.ANSWER_EXPIRED,
    problems.BODY_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA,
    problems.INVALID_REQUEST,
    problems.STORE_UNAVAILABLE,
)


class QueueItemDocument(BaseModel):
    """A grade that waits for a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: Literal["review_item"] = "review_item"
    opened_at: datetime
    reasons: list[str]
    grade: GradeDocument


class QueueDocument(BaseModel):
    """One page of what waits for a person, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: list[QueueItemDocument]
    next_cursor: str | None
    has_more: bool
    waiting: int = Field(description="How many grades wait in all, under the same filter.")
    agreement: AgreementDocument


@router.post(
    "/{grade_id}/reviews",
    status_code=status.HTTP_201_CREATED,
    summary="Review a grade",
    dependencies=[allow(Scope.REVIEWS_WRITE)],
    response_model=GradeDocument,
    responses={201: {"headers": Location, **example(REVIEWED_EXAMPLE)}, **refusals(*_BODY_REFUSALS)},
)
async def review_grade(grade_id: Id, body: ReviewBody, services: ServicesOf, tenant: TenantOf) -> Response:
    """Put a person's levels beside the machine's, which stays as it is.

    The review takes away the review reasons it answers; `overall` in it is what the grade comes to with these levels.
    Several people, or one person again, may review the same grade.
    """
    opinion = Opinion(body.reviewer, body.levels, body.note, body.golden)
    try:
        record = await services.reviewing.review(tenant, grade_id_of(grade_id), opinion)
    except UnfitLevels as unfit:
        raise ProblemError(problems.INVALID_REQUEST, errors=_unfit(unfit)) from None
    return _located(record, status.HTTP_201_CREATED)


@router.post(
    "/{grade_id}/appeals",
    status_code=status.HTTP_201_CREATED,
    summary="Appeal against a grade",
    dependencies=[allow(Scope.GRADES_WRITE)],
    response_model=GradeDocument,
    responses={
        201: {"headers": Location, **example(APPEALED_EXAMPLE)},
        202: {"model": GradeDocument, "headers": Location, "description": "Kept; being graded a second time."},
        **refusals(*_BODY_REFUSALS, problems.ALREADY_APPEALED),
    },
)
async def appeal_grade(
    grade_id: Id, body: AppealBody, services: ServicesOf, tenant: TenantOf, in_background: Async
) -> Response:
    """Have an answer graded a second time, without sight of the first grade.

    Where the two lie a level apart on a criterion or overall, or there is no second grade, the grade goes to a person
    (review reason `appeal`); else the appeal is closed. Both results are shown. One appeal a grade.
    """
    record = await services.reviewing.appeal(tenant, grade_id_of(grade_id), body.reason, in_background=in_background)
    return _located(record, status.HTTP_202_ACCEPTED if in_background else status.HTTP_201_CREATED)


@queue_router.get(
    "/queue",
    summary="List grades that wait for a person",
    dependencies=[allow(Scope.REVIEWS_WRITE)],
    response_model=QueueDocument,
    responses={200: example(QUEUE_EXAMPLE), **refusals(problems.INVALID_REQUEST, problems.STORE_UNAVAILABLE)},
)
async def review_queue(
    services: ServicesOf,
    tenant: TenantOf,
    reason: Annotated[
        str | None,
        Query(pattern=r"^[a-z_]{1,40}$", description="A reason without its criterion, e.g. `appeal` or `unscored`."),
    ] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: PageSize = 20,
) -> Response:
    """Oldest first, with how far machine and people agree so far."""
    page = await services.reviewing.queue(tenant, reason, cursor, limit)
    reviewed, criteria = await services.reviewing.agreement(tenant)
    return as_json(_queue(page, agreement_document(reviewed, criteria)))


def _unfit(levels: UnfitLevels) -> list[dict[str, str]]:
    scale = f"has to lie between 1 and {levels.levels}"
    places = [{"pointer": f"#/levels/{name}", "detail": scale} for name in levels.off_scale]
    if levels.known:
        detail = f"names a criterion the rubric does not have; it has {', '.join(levels.known)}"
        places.append({"pointer": "#/levels", "detail": detail})
    return places


def _located(record: GradeRecord | None, code: int) -> Response:
    if record is None:
        raise ProblemError(problems.NOT_FOUND)
    return as_json(grade_document(record), code, {"Location": f"/v1/grades/{record.id}"})


def _queue(page: QueuePage, agreement: AgreementDocument) -> QueueDocument:
    return QueueDocument(
        data=[
            QueueItemDocument(
                opened_at=item.opened_at.astimezone(UTC),
                reasons=list(item.reasons),
                grade=grade_document(item.record),
            )
            for item in page.items
        ],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
        waiting=page.waiting,
        agreement=agreement,
    )
