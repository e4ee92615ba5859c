"""A learner's progress over attempts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf, TenantOf, acceptable
from service.api.examples import example, refusals
from service.api.problems import ProblemError
from service.api.progress_examples import PROGRESS_EXAMPLE
from service.bootstrap import Services
from service.grading.question import Question
from service.progress import Progress, progress
from service.records import GradeFilter, GradeRecord, Tenant

router = APIRouter(prefix="/v1/learners", tags=["learners"], dependencies=[Depends(acceptable)])

MOST_ATTEMPTS = 500
"""Newest attempts that are looked at."""

_PAGE = 100

Learner = Annotated[str, Path(description="Your reference of the learner.", min_length=1, max_length=200)]


class ProgressDocument(Progress):
    """A learner's attempts over time, and what to practise next. Unknown learners have none."""

    object: Literal["progress"] = "progress"
    learner: str


@router.get(
    "/{learner}/progress",
    summary="Get a learner's progress",
    responses={
        200: example(PROGRESS_EXAMPLE),
        **refusals(problems.NOT_ACCEPTABLE, problems.INVALID_REQUEST, problems.STORE_UNAVAILABLE),
    },
    dependencies=[allow(Scope.GRADES_READ)],
)
async def get_progress(learner: Learner, services: ServicesOf, tenant: TenantOf) -> ProgressDocument:
    """Per criterion over the newest 500 attempts: the trend; per question: fixed, still open and new gaps.

    `practise_next` names at most three questions: what is due again, where the weakest criterion is weakest, and
    topics not yet tried. Earlier attempts never change a score.
    """
    found = await progress_of(services, tenant, learner)
    return ProgressDocument(learner=learner, **{name: getattr(found, name) for name in Progress.model_fields})


async def progress_of(services: Services, tenant: Tenant, learner: str) -> Progress:
    """The progress of one learner as of now."""
    records = await history(services, tenant, learner)
    library = services.library

    def judged_on(question: Question) -> list[str]:
        rubric = library.rubric(question.stage.rubric)
        return [criterion.id for criterion in rubric.criteria] if rubric else []

    return progress(records, library.topics(), judged_on, services.grading.clock.now())


async def history(services: Services, tenant: Tenant, learner: str) -> list[GradeRecord]:
    """A learner's newest grades, newest first.

    Raises:
        ProblemError: 422, the reference cannot be one.
    """
    if "\x00" in learner:
        raise ProblemError(
            problems.INVALID_REQUEST, errors=[{"pointer": "#/learner", "detail": "holds a NUL character"}]
        )
    records: list[GradeRecord] = []
    cursor: str | None = None
    while len(records) < MOST_ATTEMPTS:
        page = await services.grading.page(tenant, GradeFilter(learner=learner), cursor, _PAGE)
        records.extend(page.records)
        cursor = page.next_cursor
        if cursor is None:
            break
    return records
