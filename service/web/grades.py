"""The page of one grade: while it is made, criterion by criterion; then the feedback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import TypeAdapter

from service.access import Scope
from service.api.access import allow
from service.api.dependencies import ServicesOf
from service.attempts import compare
from service.events import GradeEvent
from service.grading.grade import CriterionGrade, GradeStatus
from service.records import GradeRecord
from service.settings import EMBEDDED
from service.web.errors import PageRoute
from service.web.feedback import criterion_view, feedback_of
from service.web.learning import attempt_before, find_grade
from service.web.render import fragment, page
from service.web.visitor import SameOrigin, VisitorOf
from service.workflow import NothingToRetry

router = APIRouter(prefix="/grades", include_in_schema=False, route_class=PageRoute)

READER, WRITER = allow(Scope.GRADES_READ, learners=True), allow(Scope.GRADES_WRITE, learners=True)
Id = Annotated[str, Path(max_length=64)]
_CRITERION: TypeAdapter[CriterionGrade] = TypeAdapter(CriterionGrade)


@router.get("/{grade_id}", dependencies=[READER])
async def grade(request: Request, grade_id: Id, services: ServicesOf, who: VisitorOf) -> Response:
    """The feedback, or how far it has come."""
    record = await find_grade(services, who, grade_id)
    if record.status is GradeStatus.IN_PROGRESS:
        embedded = services.model.name == EMBEDDED
        return page(request, "progress.html.j2", record=record, patience=embedded)
    feedback = feedback_of(record)
    if feedback is None or record.grade is None or record.grade.overall is None:
        return page(request, "ungraded.html.j2", record=record)
    earlier = await attempt_before(services, record)
    return page(
        request,
        "grade.html.j2",
        feedback=feedback,
        record=record,
        earlier=feedback_of(earlier) if earlier else None,
        compared=compare(earlier, record) if earlier else None,
    )


@router.post("/{grade_id}/retry", dependencies=[WRITER, SameOrigin])
async def retry(grade_id: Id, services: ServicesOf, who: VisitorOf) -> Response:
    """Grade again what could not be graded, or explain again what could not be explained."""
    record = await find_grade(services, who, grade_id)
    with suppress(NothingToRetry):
        await services.grading.retry(who.tenant, record.id)
    return RedirectResponse(f"/grades/{record.id}", status.HTTP_303_SEE_OTHER)


async def _followed(grade_id: Id, services: ServicesOf, who: VisitorOf) -> GradeRecord:
    return await find_grade(services, who, grade_id)


@router.get("/{grade_id}/live", dependencies=[READER], response_class=EventSourceResponse)
async def live(
    services: ServicesOf, record: Annotated[GradeRecord, Depends(_followed)]
) -> AsyncIterator[ServerSentEvent]:
    """The grade as it is made: each stage, each criterion drawn on the server, the end."""
    async for event in services.grading.events(record):
        yield ServerSentEvent(data=_shown(event, record), event=event.name)


def _shown(event: GradeEvent, record: GradeRecord) -> Any:
    if event.name != "criterion":
        return {"stage": event.data.get("stage"), "status": event.data.get("status")}
    criterion = criterion_view(_CRITERION.validate_python(event.data), record.request.rubric)
    return {"id": criterion.id, "name": criterion.name, "html": fragment("decided.html.j2", criterion=criterion)}
